"""The served assistant: a gateway that people and programs talk with, and what decodes behind it.

    gateway (routes), answers (one on its way), requests, problems (errors in OpenAI's form)
    access (who asks), served (which adapter answers whom), switching (changed under way)
    windows (what of a long conversation is read)
    conversation_log (nothing said is lost), conversations (which one goes on), metrics
    upstream (vLLM or the embedded server, asked over HTTP and looked after)
    embedded (the engine behind vLLM's API), engine (decoding), tool_calls
    client (starts, finds and asks the gateway)

The gateway is wired to a home in `orchestration.gateway`: model code opens no table.
"""
