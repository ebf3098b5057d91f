"""Run the Python blocks of a page, one after the other in one namespace, in another environment.

Reads a JSON list of texts from stdin; writes a JSON list of [code, remark, printed] for every
statement that has a remark on its last line.
"""

import ast
import contextlib
import io
import json
import sys


def run(texts: list[str]) -> list[list[str]]:
    names: dict[str, object] = {"__name__": "__main__"}
    told = []
    for text in texts:
        lines = text.splitlines()
        for statement in ast.parse(text).body:
            code = ast.unparse(statement)
            last = lines[statement.end_lineno - 1][statement.end_col_offset :]
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(ast.Module([statement], []), "<page>", "exec"), names)
            told.append([code, last.partition("#")[2].strip(), printed.getvalue()])
    return told


if __name__ == "__main__":
    found = run(json.load(sys.stdin))
    print(json.dumps(found))
