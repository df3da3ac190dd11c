"""How often somebody may do something."""

from __future__ import annotations

from dataclasses import dataclass

from models.serving.newest import Newest


@dataclass
class Bucket:
    """A token bucket: `per_minute` requests, and as many at once."""

    per_minute: int
    left: float
    at: float

    def take(self, now: float) -> float:
        """Take one; return 0, or how many seconds to wait for the next one."""
        self.left = min(self.per_minute, self.left + (now - self.at) * self.per_minute / 60)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0.0
        return (1 - self.left) * 60 / self.per_minute


class Rates(Newest[str, Bucket]):
    """The buckets of those who did something lately, `most` of them."""

    def wait(self, who: str, per_minute: int, now: float) -> float:
        """Count one for somebody at a time in seconds; return 0, or how long to wait."""
        bucket = self.pop(who, None) or Bucket(per_minute, per_minute, now)
        self.put(who, bucket)  # the newest last
        return bucket.take(now)
