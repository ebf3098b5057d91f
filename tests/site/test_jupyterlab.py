"""Every notebook in JupyterLab, in a browser: it runs, a slider is moved, its figure follows, and
*Simulate* adds to it.

As the student does it: the notebook is copied by `synsim notebook`, run by the menu, and the slider
is moved by the keyboard. Screenshots of before and after are left (see `conftest.screenshots`).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synsim.cli.notebook import notebooks
from tests.site.browser import PATIENCE, needs_chromium, opened

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: make install-docs")
pytestmark = needs_chromium
RUN = 300_000  # ms: all cells, with the first builds of their programs
# What `synsim.interactive` shows: controls, and the figure where nothing can run them.
EXPLORER = {"application/vnd.jupyter.widget-view+json", "image/png"}
# The notebook that is open, as JupyterLab itself has it (--LabApp.expose_app_in_browser).
CELLS = "[...jupyterapp.shell.currentWidget.content.model.cells]"

# The kernel has answered: cells that are run before are lost.
READY = """
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    return context?.isReady && context.session?.kernel?.status === 'idle';
"""
# All cells are run, and what the last of them said is there; or one of them failed.
THROUGH = """
    const outputs = cells.flatMap(c => c.outputs?.toJSON() ?? []);
    const code = cells.filter(c => c.type === 'code' && c.sharedModel.getSource().trim());
    return outputs.some(o => o.output_type === 'error') ||
        outputs.some(o => o.data?.['image/png'] && o.data['text/plain'].includes(': ')) &&
        code.every(c => c.executionCount && c.executionState === 'idle');
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student's folder."""
    return tmp_path_factory.mktemp("student")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """A JupyterLab of this machine's, whose files are those of the folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = folder.with_name(f"{folder.name}-settings")  # not those of whoever runs the tests
    settings = {f"JUPYTER_{kind}_DIR": str(own / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}
    options = ["--no-browser", "--allow-root", "--ServerApp.token=", "--ServerApp.password=",
               f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
               "--LabApp.expose_app_in_browser=True",
               "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
               "--LabApp.extension_manager=readonly",
               f"--LabApp.user_settings_dir={own / 'user'}",
               f"--LabApp.workspaces_dir={own / 'workspaces'}"]  # fmt: skip
    news = own / "user" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false"}', encoding="utf-8")  # else it asks, over the figure
    log = folder.with_name(f"{folder.name}.log")
    with log.open("w", encoding="utf-8") as to:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=folder, env=environment | settings, stdout=to, stderr=subprocess.STDOUT,
        )  # fmt: skip
    made = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{made}/api", server, log)
        yield made
    finally:
        server.terminate()
        server.wait(60)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(PATIENCE // 250):
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.25)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def context(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser that reaches this JupyterLab and nothing else."""
    with opened(tmp_path_factory.mktemp("chromium"), address, height=1000) as made:
        yield made
        assert made.elsewhere == []


@pytest.fixture
def lab(context: Any) -> Iterator[Any]:
    """A tab."""
    made = context.new_page()
    yield made
    made.close()


@pytest.mark.parametrize("name", notebooks())
def test_runs_and_follows_its_sliders(
    name: str, lab: Any, address: str, folder: Path, screenshots: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "synsim", "notebook", name, "--no-open", "--out", str(folder)],
        check=True,
    )
    lab.goto(f"{address}/lab/tree/{notebooks()[name].file}?reset")
    lab.wait_for_selector(".jp-Notebook .jp-CodeCell")
    lab.wait_for_function(f"() => {{ {READY} }}", polling=200)
    lab.click('.lm-MenuBar-itemLabel:text-is("Run")')
    lab.click('.lm-Menu-itemLabel:text-is("Run All Cells")')
    lab.wait_for_function(f"() => {{ const cells = {CELLS}; {THROUGH} }}", timeout=RUN, polling=200)
    outputs = json.loads(lab.evaluate(f"JSON.stringify({CELLS}.map(c => c.outputs?.toJSON()))"))
    wrong = [o for cell in outputs for o in cell or [] if o["output_type"] == "error"]
    assert wrong == []
    with_sliders = [
        number
        for number, cell in enumerate(outputs)
        if any(EXPLORER <= o.get("data", {}).keys() for o in cell or [])
    ]
    assert with_sliders
    for number in with_sliders:
        lab.evaluate(f"jupyterapp.shell.currentWidget.content.scrollToItem({number}, 'center')")
        figure = lab.locator(f".jp-Cell[data-windowed-list-index='{number}'] .widget-vbox").first
        follows(figure, screenshots / f"{name}-{number}")
        simulates(figure, screenshots / f"{name}-{number}")


def simulates(figure: Any, screenshots: Path) -> None:
    """Press *Simulate*, where there is one: points are added, and nothing went wrong."""
    button = figure.locator("button:has-text('Simulate')")
    if not button.count():
        return
    image = figure.locator("img.widget-image")
    before = image.get_attribute("src")
    button.click()
    figure.page.wait_for_function(
        "([i, before]) => i.src !== before && i.complete && i.naturalWidth > 300",
        arg=[image.element_handle(), before],
        polling=50,
        timeout=RUN,
    )
    figure.locator("button:has-text('Simulate'):enabled").wait_for()
    assert figure.locator(".widget-html-content").first.inner_text() == ""
    figure.screenshot(path=f"{screenshots}-simulated.png")


def follows(figure: Any, screenshots: Path) -> None:
    """Move the first slider: another picture, as large, is there."""
    image = figure.locator("img.widget-image")
    image.scroll_into_view_if_needed()
    drawn = "i => [i.src, i.complete, i.naturalWidth]"
    before, complete, width = image.evaluate(drawn)
    assert complete and width > 300
    figure.screenshot(path=f"{screenshots}-before.png")
    handle = figure.locator(".noUi-handle").first
    handle.focus()
    lowest = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
    read = figure.locator(".widget-readout").first
    said = read.inner_text()
    for _ in range(5):
        figure.page.keyboard.press("ArrowRight" if lowest else "ArrowLeft")
    figure.page.wait_for_function(
        "([i, before, width]) => i.src !== before && i.complete && i.naturalWidth === width",
        arg=[image.element_handle(), before, width],  # one that is being loaded has no width yet
        polling=50,
    )
    assert read.inner_text() != said
    figure.screenshot(path=f"{screenshots}-after.png")
    assert (
        Path(f"{screenshots}-before.png").read_bytes()
        != Path(f"{screenshots}-after.png").read_bytes()
    )
