"""Personal data: found by kind, replaced by placeholders that are the same within one dialogue.

    texts, findings = Pseudonymiser(key, names=False).apply(texts, scope=dialogue_id)

One kind a file; `docs/personal_data.md` has the kinds, their precision and their recall.
"""

from __future__ import annotations

from assets.cleaning.personal.pseudonymiser import Pseudonymiser, gate
from assets.cleaning.personal.pseudonyms import Finding

__all__ = ["Finding", "Pseudonymiser", "gate"]
