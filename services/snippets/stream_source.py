"""Python source that reads a reply whole, a stream too, as ``services.invocation.whole`` does: a test compares them. Pure."""


def whole_reply(name: str) -> str:
    """The source of a function *name* that takes a ``requests`` response."""
    return _SOURCE.replace("whole_reply", name)


_SOURCE = '''\
def whole_reply(reply):
    """The reply as one value: of a stream, what its events add up to. A text goes to stderr as it comes."""
    import json
    import sys

    if not reply.headers.get("content-type", "").startswith("text/event-stream"):
        return reply.json()

    def texts(delta):
        content = delta.get("content") or ""
        parts = content if isinstance(content, list) else [{"text": content}]
        thoughts = [piece for part in parts if part.get("type") == "reasoning" for piece in part.get("summary") or []]
        return {
            "content": "".join(part.get("text") or "" for part in parts if part.get("type") != "reasoning"),
            "reasoning_content": "".join(piece["text"] for piece in thoughts) or delta.get("reasoning_content") or "",
            "refusal": delta.get("refusal") or "",
        }

    events, answers, usage, named, chats, completes = [], {}, {}, {}, False, False
    for line in reply.iter_lines():
        if not line.startswith(b"data:") or line[5:].strip() == b"[DONE]":
            continue
        event = json.loads(line[5:])
        events.append(event)
        if not isinstance(event, dict):
            continue
        if "error" in event or "error_code" in event:
            raise RuntimeError(f"The stream ended with an error: {event}")
        told = event.get("usage") or {}
        counts = {name: told.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
        usage = {name: count for name, count in counts.items() if count is not None} or usage
        for place, choice in enumerate(event.get("choices") or []):
            chats, completes = chats or "delta" in choice, completes or "text" in choice
            named = {name: named.get(name) or event.get(name) for name in ("id", "model")}
            delta = choice.get("delta") or {"content": choice.get("text")}
            grown, calls = texts(delta), delta.get("tool_calls") or []
            sys.stderr.write(grown["content"])
            if not (any(grown.values()) or calls or choice.get("finish_reason")):
                continue
            answer = answers.setdefault(choice.get("index", place), {"texts": {}, "calls": {}, "finish_reason": None})
            answer["finish_reason"] = choice.get("finish_reason") or answer["finish_reason"]
            for name, text in grown.items():
                answer["texts"][name] = answer["texts"].get(name, "") + text
            for place, piece in enumerate(calls):
                function = {"name": "", "arguments": ""}
                called = answer["calls"].setdefault(piece.get("index", place), {"function": function})
                if piece.get("id"):
                    called.setdefault("id", piece["id"])
                for name in function:
                    called["function"][name] += (piece.get("function") or {}).get(name) or ""
    named = {name: text for name, text in named.items() if text}
    usage = {"usage": usage} if usage else {}
    if completes and not chats:
        choices = [
            {"index": index, "text": answer["texts"].get("content", ""), "finish_reason": answer["finish_reason"]}
            for index, answer in sorted(answers.items())
        ]
        return {**named, "object": "text_completion", "choices": choices, **usage}
    if not chats:
        told = [event for event in events if isinstance(event, dict)]
        ends = ("response.completed", "response.incomplete", "response.failed")
        whole = [event["response"] for event in told if event.get("type") in ends and event.get("response")]
        items = [event["item"] for event in told if event.get("type") == "response.output_item.done"]
        return whole[-1] if whole else {"object": "response", "output": items} if items else events
    choices = []
    for index, answer in sorted(answers.items()):
        message = {"role": "assistant", "content": answer["texts"].pop("content")}
        message.update({name: text for name, text in answer["texts"].items() if text})
        if answer["calls"]:
            calls = sorted(answer["calls"].items())
            message["tool_calls"] = [{"index": place, "type": "function", **one} for place, one in calls]
        choices.append({"index": index, "message": message, "finish_reason": answer["finish_reason"]})
    return {**named, "object": "chat.completion", "choices": choices, **usage}
'''
