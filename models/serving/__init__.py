"""The served assistant: a gateway that people and programs talk with, and what decodes behind it.

    gateway (routes), pages (the chat page), answers (one on its way), events (as they stream)
    requests (what may be asked), problems (errors in OpenAI's form), front_ends (what these add)
    access (who asks), hosts (by which name), rates, bounds (how much at once)
    served (which adapter answers whom), switching (changed under way), probing (told apart)
    windows (what of a long conversation is read), own_tools (calls that the assistant makes)
    conversation_log (nothing said is lost), conversations (which one goes on), newest, metrics
    feedback (what people say of answers), answer_cache (answers given before)
    upstream (vLLM or the embedded server, asked over HTTP and looked after), configs (for vLLM)
    embedded (the engine behind vLLM's API), engine (decoding), tool_calls
    client (starts, finds and asks the gateway), listening (where it listens)

The gateway is wired to a home in `orchestration.gateway`: model code opens no table.
"""
