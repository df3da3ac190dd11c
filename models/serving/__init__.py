"""The served assistant: an OpenAI-compatible server on this machine's CPU.

`engine` decodes, `app` speaks HTTP, `conversation_log` keeps what was said, `client` starts,
finds and asks a server.
"""
