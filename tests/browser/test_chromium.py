from tests.browser.chromium import find_chromium


def test_the_browser_that_is_told_comes_before_those_on_the_path(tmp_path):
    installed = tmp_path / "chromium-browser"
    installed.touch(mode=0o755)
    path = {"PATH": str(tmp_path)}
    assert find_chromium(path) == str(installed)
    assert find_chromium(path | {"TEST_CHROMIUM": "/elsewhere"}) == "/elsewhere"
    assert find_chromium({"PATH": str(tmp_path / "empty")}) is None
