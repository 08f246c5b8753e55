import pytest

from tests.reliability import counts
from tests.reliability import world as world_module


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """The unbroken run; each process of a session makes its own."""
    return world_module.make(tmp_path_factory.mktemp("world"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the cases came to."""
    reports = [each for group in terminalreporter.stats.values() for each in group]
    lines = counts.table(each for each in reports if isinstance(each, pytest.TestReport))
    if lines:
        terminalreporter.section("reliability")
    for line in lines:
        terminalreporter.write_line(line)
