"""An async web service that shows and tops up the balance of whoever logged in.

Run it with ``uvicorn service:app``; PARALLEL_PLATFORM_URL and PARALLEL_SERVICE_API_URL are read.
"""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from parallel_account import AccountError, AsyncAccountClient, MemoryStore

app = FastAPI()
client = AsyncAccountClient(client_name="my-service", store=MemoryStore())


@app.exception_handler(AccountError)
async def on_error(_request: Request, error: AccountError) -> JSONResponse:
    status = 401 if error.code == "login_required" else 502
    return JSONResponse({"error": error.code, "message": str(error)}, status)


@app.post("/login")
async def login() -> dict[str, str]:
    pending = await client.start_login(scopes=["balance:read", "balance:add"])
    return {
        "open": pending.verification_uri,
        "code": pending.user_code,
        "record": pending.pending_record(),
    }


@app.post("/login/wait")
async def wait(body: dict[str, str]) -> dict[str, object]:
    pending = await client.resume_login(body["record"])
    return {"logged_in": (await pending).logged_in}


@app.get("/balance")
async def balance() -> dict[str, object]:
    return (await client.balance.get()).to_dict()
