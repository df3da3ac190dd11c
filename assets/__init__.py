"""What exists: one module a stage, in the order of the journey.

    raw          dialogues exactly as received, and the base model everything starts from
    cleaned      dialogues fit to train on; and the dropped, with reasons
    embeddings   one vector a turn, and its words for Russian full text
    self_chats   dialogues the model held with itself
    adapters     training sets, and the QLoRA adapters learned from them
    evaluations  scores of adapters, and the gate's verdicts
    deployments  what is served now, and what was served before

An asset reads, calls, writes: the interesting part is a pure function with a file of its own.
When things run is not here but in `orchestration`.
"""

STAGES = (
    "raw",
    "cleaned",
    "embeddings",
    "self_chats",
    "adapters",
    "evaluations",
    "deployments",
)
