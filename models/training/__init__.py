"""One training, part by part; `models.qlora.train` puts them together.

request      what is asked and what comes back
rows         JSONL rows as a trainer's examples, those left out counted by reason
tuners       the quantised base and what is laid on it
trainers     trl's trainers, with the four traps closed
publishing   the adapter in its folder, with a manifest
ranks        one training in several processes: who speaks, who waits
"""
