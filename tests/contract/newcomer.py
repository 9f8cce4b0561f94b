"""Somebody who knows the served descriptions, what was answered, and nothing else.

Requests are those of `/openapi.json` and frames those of `/asyncapi.json`, their
examples sent as they stand. An id, code,
token or reference in an example stands for the one that an earlier answer had in the
same place of its own example; where none had, the description is wrong.
"""

import asyncio
import re
from typing import Any, NamedTuple, Self

from tests.contract.client import WAIT_S, Answer, Api, Json, check_problem
from tests.contract.socket_client import Socket
from tests.post_office import PostOffice, text_of

OPAQUE = re.compile(
    r"[a-z]{3}_[\w-]{22}"  # an id
    r"|[\w-]{20,}"  # a code, or a token
    r"|[\w-]{16}\.[\w.]+"  # a process
    r"|[A-Z0-9]{6}"  # a reference
)
CODE = re.compile(r"#\w+=([\w-]+)")
ORDER_LINK = re.compile(r"/orders/[\w-]+#([\w-]+)")
FORM = "multipart/form-data"
JSON = "application/json"
READ_ON = {"count", "cursor", "limit"}
MOVES = 10
"""How often something is asked again that says it is on its way."""


class Operation(NamedTuple):
    """One operation of the description."""

    method: str
    path: str
    said: Json

    @property
    def open(self) -> bool:
        """Whether it asks nobody for a token."""
        return not self.said["security"]

    def content(self) -> Json:
        """Give the description of its body by media type."""
        found: Json = self.said.get("requestBody", {}).get("content", {})
        return found

    @property
    def success(self) -> int:
        """The status of who does it first; another one is of who does it again.

        That is a 200, or a 202 of what takes a while.
        """
        found, *again = (
            int(one) for one in self.said["responses"] if one.startswith("2")
        )
        assert again in ([], [200], [202])
        return found

    def filters(self) -> dict[str, Any]:
        """Name what a list may be asked for, each with its example."""
        return {
            one["name"]: one["example"]
            for one in self.said["parameters"]
            if one["in"] == "query" and one["name"] not in READ_ON
        }


def examples_in(content: Json) -> dict[str | None, Any]:
    """Give the examples of a body by name; a single one has none."""
    if "examples" in content:
        return {name: one["value"] for name, one in content["examples"].items()}
    return {None: content["example"]} if "example" in content else {}


class Newcomer:
    """Several people, all of whom learn from what any of them is answered."""

    def __init__(self, api: Api, office: PostOffice, document: Json) -> None:
        self.api = api
        self.operations = {
            said["operationId"]: Operation(method.upper(), path, said)
            for path, operations in document["paths"].items()
            for method, said in operations.items()
        }
        self.known: dict[str, str] = {}
        """What stands for what, in the examples."""
        self.tokens: dict[str, str] = {}
        self.done: set[tuple[str, str | None]] = set()
        """What was called, with which example."""
        self._office = office
        self._arrived = len(office.mails)

    @classmethod
    async def arrive(cls, api: Api, office: PostOffice) -> Self:
        return cls(api, office, await api.good("GET", "/openapi.json"))

    def wanted(self) -> set[tuple[str, str | None]]:
        """Name every operation, with each of its request's examples."""
        found: set[tuple[str, str | None]] = set()
        for name, operation in self.operations.items():
            body = operation.content().get(JSON)
            examples = {None: None} if body is None else examples_in(body)
            assert examples, f"{name} has a body without an example"
            found |= {(name, example) for example in examples}
        return found

    async def does(
        self,
        who: str,
        name: str,
        example: str | None = None,
        *,
        data: bytes | None = None,
        query: dict[str, Any] | None = None,
        **given: Any,
    ) -> Any:
        """Call an operation, which must succeed, and return the body of its answer.

        `given` replaces examples of the path, or what the description says that a
        newcomer has to put into a body; `data` is the file of a form.
        """
        operation = self.operations[name]
        headers = {} if operation.open else self._headers(who)
        body = self._body(operation, example, given)
        if data is not None:
            headers["Content-Type"] = f"{FORM}; boundary=b"
            head = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n'
            data = head + data + b"\r\n--b--\r\n"
        answer = await self._ask(
            operation,
            self._path(operation, given),
            body,
            headers=headers,
            params=query_of(query or {}),
            data=data,
        )
        assert answer.status == operation.success, (who, name, example, answer.raw)
        shown = self._shown(operation, example, answer)
        if not any(f"{{{part}}}" in operation.path for part in given):
            # Else it tells of something else than what the example tells of.
            self.learn(shown, answer.body)
        if answer.body is not None and "access_token" in answer.body:
            self.tokens[who] = answer.body["access_token"]
        self.done.add((name, example))
        return answer.body

    async def is_refused(self, who: str, name: str, code: str) -> None:
        """Call an operation that must refuse with a code, as it is described."""
        operation = self.operations[name]
        path, body = self._path(operation, {}), None
        if "example" in operation.content().get(JSON, {}):
            body = self._body(operation, None, {})
        answer = await self._ask(operation, path, body, headers=self._headers(who))
        assert check_problem(answer)["code"] == code
        assert (
            f"`{code}`"
            in operation.said["responses"][str(answer.status)]["description"]
        )

    async def _ask(
        self, operation: Operation, path: str, *sent: Any, **more: Any
    ) -> Answer:
        """Ask again, as the answer says, while an event is on its way to a process."""
        answer = await self.api.request(operation.method, path, *sent, **more)
        for _ in range(MOVES):
            if answer.status != 503 or not check_problem(answer)["transient"]:
                break
            await asyncio.sleep(int(answer.headers["retry-after"]))
            answer = await self.api.request(operation.method, path, *sent, **more)
        return answer

    def forgets(self, *examples: str) -> None:
        """Forget what stands for examples: the next answer with others has them."""
        for example in examples:
            del self.known[example]

    async def finds(self, who: str, name: str, **query: Any) -> None:
        """Call a list with a query until it finds something."""
        await self._found(who, name, query, {})

    async def lists(self, who: str, name: str, **given: Any) -> None:
        """Call a list as it is, with each filter, and for its second page.

        With the filter's example it must find something: at once, or after a moment.
        """
        operation = self.operations[name]
        await self._found(who, name, {}, given)
        for parameter, value in operation.filters().items():
            await self._found(who, name, {parameter: self.real(value)}, given)
        page = await self.does(who, name, query={"limit": 1}, **given)
        if page["next_cursor"] is not None:
            more = {"limit": 1, "cursor": page["next_cursor"]}
            assert (await self.does(who, name, query=more, **given))["items"]
        await self._counts(who, operation, given)

    async def _counts(
        self, who: str, operation: Operation, given: dict[str, Any]
    ) -> None:
        """Ask how many items a list has, which are as many as its pages have."""
        path, headers = self._path(operation, given), self._headers(who)
        async with asyncio.timeout(WAIT_S):
            while True:
                first = {"limit": "1", "count": "true"}
                page = (
                    await self.api.request("GET", path, headers=headers, params=first)
                ).body
                total, listed = page["total"], len(page["items"])
                while page["next_cursor"] is not None:
                    more = {"limit": "200", "cursor": page["next_cursor"]}
                    page = (
                        await self.api.request(
                            "GET", path, headers=headers, params=more
                        )
                    ).body
                    listed += len(page["items"])
                # Some lists grow a moment after what they tell of.
                if total == listed:
                    return
                await asyncio.sleep(0.05)

    async def _found(
        self, who: str, name: str, query: dict[str, Any], given: dict[str, Any]
    ) -> None:
        async with asyncio.timeout(WAIT_S):
            page = await self.does(who, name, query=query, **given)
            while not page["items"]:
                await asyncio.sleep(0.05)
                page = await self.does(who, name, query=query, **given)

    async def says(self, who: str, socket: Socket, frame: Json) -> None:
        """Send an example of a frame, which must be accepted."""
        asked = {name: frame[name] for name in frame if name not in ("op", "id")}
        if "token" in asked:
            asked["token"] = self.tokens[who]
        reply = await socket.ok(frame["op"], **self.real(asked))
        shown = self.operations["run_command"].said["responses"]["200"]["content"]
        self.learn(examples_in(shown[JSON]).get(frame["op"]), reply)

    async def reads_code(self, address: str, subject: str) -> None:
        """Wait for the first such mail since the arrival, and keep its code."""
        mail = await self._office.mail_to(address, subject, self._arrived)
        (code,) = CODE.findall(text_of(mail))
        shown = self.operations["verify_email"].content()[JSON]["example"]
        self.known[shown["code"]] = code

    async def reads_link(self, address: str, subject: str, example: str) -> None:
        """Wait for a mail with a link to an order; keep the secret behind it."""
        mail = await self._office.mail_to(address, subject, self._arrived)
        (secret,) = ORDER_LINK.findall(text_of(mail))
        self.known[example] = secret

    def learn(self, example: Any, actual: Any, *, listed: bool = False) -> None:
        """Keep what stands in an answer in the place of the example's values.

        What is listed is somebody's choice: the one that is known already stays.
        """
        if isinstance(example, dict) and isinstance(actual, dict):
            for name in example.keys() & actual.keys():
                self.learn(example[name], actual[name], listed=listed)
        elif isinstance(example, list) and isinstance(actual, list):
            for one, other in zip(example, actual, strict=False):
                self.learn(one, other, listed=True)
        elif isinstance(example, str) and isinstance(actual, str):
            known = listed and example in self.known
            if OPAQUE.fullmatch(example) and not known:
                self.known[example] = actual

    def real(self, example: Any) -> Any:
        """Put what earlier answers gave in the place of an example's values."""
        if isinstance(example, dict):
            return {name: self.real(part) for name, part in example.items()}
        if isinstance(example, list):
            return [self.real(part) for part in example]
        if isinstance(example, str) and OPAQUE.fullmatch(example):
            assert example in self.known, f"no earlier answer gave {example}"
            return self.known[example]
        if isinstance(example, str):
            # A name that is made of an id, as `event:…` is.
            kind, _, name = example.partition(":")
            if OPAQUE.fullmatch(name):
                return f"{kind}:{self.real(name)}"
        return example

    def _headers(self, who: str) -> dict[str, str]:
        if who == "machine":
            answer = self.operations["create_api_key"].said["responses"]["201"]
            return {"X-API-Key": self.known[answer["content"][JSON]["example"]["key"]]}
        token = self.tokens.get(who)
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def _path(self, operation: Operation, given: dict[str, Any]) -> str:
        path = operation.path
        for one in operation.said["parameters"]:
            if one["in"] == "path":
                value = given.get(one["name"], one["example"])
                path = path.replace(f"{{{one['name']}}}", str(self.real(value)))
        return path

    def _body(
        self, operation: Operation, example: str | None, given: dict[str, Any]
    ) -> Any:
        content = operation.content()
        if JSON not in content:
            return None
        found = self.real(examples_in(content[JSON])[example])
        return found | {name: given[name] for name in given if name in found}

    def _shown(self, operation: Operation, example: str | None, answer: Answer) -> Any:
        """Return the example of an answer, which must have the same fields."""
        content = operation.said["responses"][str(operation.success)].get("content", {})
        for kind, body in content.items():
            assert answer.headers["content-type"].partition(";")[0] == kind
            examples = examples_in(body)
            if kind != JSON or not examples:
                continue
            shown = examples.get(example, next(iter(examples.values())))
            assert looks_like(answer.body, shown), (answer.body, shown)
            return shown
        return None


def frames_in(document: Json) -> list[Json]:
    """Give the examples of what a client says on the socket, in order of their ids."""
    found = []
    for name, operation in document["operations"].items():
        if operation["action"] == "receive":
            (ref,) = (message["$ref"] for message in operation["messages"])
            message = document["components"]["messages"][ref.rpartition("/")[2]]
            assert message.get("examples"), f"{name} has no example"
            found += [example["payload"] for example in message["examples"]]
    return sorted(found, key=lambda frame: int(frame["id"]))


def query_of(query: dict[str, Any]) -> dict[str, str]:
    """Write the parameters of a query as a URL has them; of a list its one item."""
    found = {}
    for name, value in query.items():
        one = value[0] if isinstance(value, list) else value
        found[name] = str(one).lower() if isinstance(one, bool) else str(one)
    return found


def looks_like(answer: Json, example: Json) -> bool:
    """Return whether an answer has the example's fields; so has some item of a page."""
    items = [set(item) for item in answer.get("items", ())]
    shown = [set(item) for item in example.get("items", ())]
    return set(answer) == set(example) and (not items or shown[0] in items)
