"""Answers of a server, read as far as an answer may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from httpx import Client, Response

MOST = 32 * 1024**2  # bytes of an answer, unpacked; the longest list of an archive has one of them


def answer_of(client: Client, method: str, url: str, **more: Any) -> Response:
    """Return the answer to a request.

    Args:
        client: Sends it.
        method: Such as `GET`.
        url: The address.
        **more: What httpx takes.

    Raises:
        httpx.RequestError: There is none, or it has no end.
    """
    import httpx

    with client.stream(method, url, **more) as answer:
        content = bytearray()
        for piece in answer.iter_bytes():
            content += piece
            if len(content) > MOST:
                raise httpx.DecodingError("an answer without end", request=answer.request)
    headers = [
        (name, value)
        for name, value in answer.headers.multi_items()
        if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
    ]
    return httpx.Response(
        answer.status_code,
        headers=headers,
        content=bytes(content),
        request=answer.request,
        extensions={"reason_phrase": answer.reason_phrase.encode()},
    )
