"""Executes the ten-line notebook beside this file without a browser and writes it with its outputs.

The notebook ``04_notebook.ipynb`` is the only copy of its lines; this script holds none of them. Needs the extra
``notebook``. Every cell runs with warnings as errors.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.notebooknode import NotebookNode

NOTEBOOK = Path(__file__).with_suffix(".ipynb")
# The kernel's own modules warn about themselves when they shut down; only they are let through.
STRICT = "import warnings\nwarnings.simplefilter('error')\nwarnings.filterwarnings('ignore', module='ipykernel')"
SECONDS = 600

TEXT = {
    "written": {"en": "Executed notebook: {path}", "zh": "已执行的笔记本: {path}"},
    "cells": {
        "en": "{count} code cells ran, no warning and no error. Enterprises are illustrative.",
        "zh": "{count} 个代码单元运行完毕，无警告、无错误。企业均为示意企业。",
    },
}


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook with its outputs; the cell that turns warnings into errors runs first and is taken out again."""
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    del notebook.cells[0]
    return notebook


def shown(notebook: NotebookNode) -> list[str]:
    """Each code cell with the text it printed or returned."""
    lines = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        lines += [f">>> {line}" for line in cell.source.splitlines() if line]
        for output in cell.outputs:
            lines.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/04_notebook"), help="folder to write")
    parser.add_argument("--lang", choices=("zh", "en"), default="en", help="language of the messages")
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True, exist_ok=True)
    notebook = execute(nbformat.read(NOTEBOOK, as_version=4), arguments.out)
    target = arguments.out / NOTEBOOK.name
    nbformat.write(notebook, target)

    print("\n".join(shown(notebook)))
    count = sum(cell.cell_type == "code" for cell in notebook.cells)
    print(TEXT["cells"][arguments.lang].format(count=count))
    print(TEXT["written"][arguments.lang].format(path=target))


if __name__ == "__main__":
    main()
