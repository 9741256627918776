"""What the scripts of this folder share: a line for each check, "ok<TAB>name" or "fail<TAB>name<TAB>what"."""

import re
import traceback


def check(run):
    """Runs a check; its name is the first line of its doc string."""
    name = run.__doc__.strip().splitlines()[0].rstrip(".")
    try:
        run()
        print(f"ok\t{name}", flush=True)
    except Exception as e:
        line = traceback.extract_tb(e.__traceback__)[1].lineno
        body = getattr(getattr(e, "response", None), "text", "")
        what = re.sub(r"\s+", " ", f"line {line}: {type(e).__name__}: {e} {body}")[:800]
        print(f"fail\t{name}\t{what}", flush=True)


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def raises(kind, call):
    """Gives the exception of the kind with which a call is refused."""
    try:
        got = call()
    except kind as e:
        return e
    raise AssertionError(f"wanted {kind.__name__}, got {got!r}")
