"""Captchas are verified elsewhere, by somebody who may lie, be slow, or be gone."""

from collections.abc import AsyncIterator

import pytest

from server.events.line.gates.captcha import PATIENCE_S, Captcha, CaptchaGone
from tests.server.events.line.gates.verifying import Verifier, open_verifier


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
async def verifier() -> AsyncIterator[Verifier]:
    async with open_verifier() as opened:
        yield opened


async def asked(url: str, answer: str = "good", timeout_s: float = 30.0, **more):
    captcha = Captcha(
        url, more.get("secret", "the secret"), "site", Hand(), timeout_s=timeout_s
    )
    try:
        return await captcha.verify(answer)
    finally:
        await captcha.close()


async def test_yes_and_no_are_what_is_said(verifier):
    assert await asked(verifier.url) is True
    assert verifier.asked == [{"secret": "the secret", "response": "good"}]
    # It was used, it is wrong, or we are not who we say.
    assert await asked(verifier.url) is False
    assert await asked(verifier.url, "bad") is False
    assert await asked(verifier.url, "good 2", secret="another") is False


@pytest.mark.parametrize(
    "mood", ["broken", "page", "nonsense", "list", "endless", "elsewhere"]
)
async def test_what_is_no_answer_is_nobody(verifier, mood):
    verifier.mood = mood
    with pytest.raises(CaptchaGone):
        await asked(verifier.url)
    # Nobody is led anywhere else.
    assert len(verifier.asked) == 1


async def test_who_is_slow_or_gone_is_nobody(verifier):
    verifier.mood = "slow"
    with pytest.raises(CaptchaGone):
        await asked(verifier.url, timeout_s=0.05)
    with pytest.raises(CaptchaGone):
        await asked("http://127.0.0.1:1/siteverify")


async def test_nobody_waits_again_for_who_is_not_there(verifier):
    hand = Hand()
    captcha = Captcha(verifier.url, "the secret", "site", hand)
    verifier.mood = "broken"
    for _ in range(3):
        with pytest.raises(CaptchaGone):
            await captcha.verify("good")
    assert len(verifier.asked) == 1
    assert not captcha.is_there
    verifier.mood = "honest"
    hand.at += PATIENCE_S
    assert captcha.is_there
    assert await captcha.verify("good")
    await captcha.close()
