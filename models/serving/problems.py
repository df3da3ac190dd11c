"""Errors as OpenAI's clients read them: `{"error": {"message", "type", "code"}}`, with a hint."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

RETRY_AFTER_SECONDS = 2
"""When a client that was told to wait should ask again."""
TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}
"""OpenAI's words for what went wrong; anything else of the client's is `invalid_request_error`."""


class Problem(HTTPException):
    """An answer that is an error: its status, what happened, and what to do about it."""

    def __init__(
        self, status: int, message: str, *, hint: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers)
        self.hint = hint


def install(app: FastAPI) -> None:
    """Let an application answer with such errors, its framework's own included."""
    app.add_exception_handler(HTTPException, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)


def body_of(status: int, message: str, hint: str = "") -> dict[str, Any]:
    """Return the body of an error."""
    usual = "invalid_request_error" if status < 500 else "server_error"
    told: dict[str, Any] = {"message": message, "type": TYPES.get(status, usual), "code": status}
    if hint:
        told["hint"] = hint
    return {"error": told}


async def _problem(_: Request, error: Exception) -> JSONResponse:
    status = getattr(error, "status_code", 500)
    body = body_of(status, str(getattr(error, "detail", error)), getattr(error, "hint", ""))
    return JSONResponse(body, status, getattr(error, "headers", None))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {}
    where = ".".join(str(part) for part in first.get("loc", ()) if part != "body")
    message = f"{where or 'body'}: {first.get('msg', 'invalid')}"
    hint = "the request is OpenAI's `chat.completions`; docs/serving.md says what is honoured"
    return JSONResponse(body_of(422, message, hint), 422)
