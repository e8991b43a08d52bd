"""Compare columns with the C++ code of Kaitai Struct's compiler, built with -O2, on the same files in one run.

    python benchmarks/kaitai_cpp.py --write-ksy FOLDER
    python benchmarks/kaitai_cpp.py --generated FOLDER --runtime FOLDER [--megabytes 20] [--rounds 5]

The first writes `pcap.ksy`, `tlv.ksy` and `fixed.ksy`, made by our own exporter of the grammars of
`spec_throughput.py`; compile them with `kaitai-struct-compiler -t cpp_stl`. The second builds a driver of what came of
it: `--generated` holds NAME.h and NAME.cpp, `--runtime` is a checkout of kaitai_struct_cpp_stl_runtime (its folder
`kaitai` in it). Neither is part of this project. Both sides hold the file in memory before the clock starts; best of
the rounds, CPU seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import spec_throughput
import yaml

from harness.grammar.language.lint import lint_text
from harness.kaitai.exporter import export_ksy

DRIVER = """
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <kaitai/kaitaistream.h>
#include "{name}.h"
int main(int count, char **words) {{
    std::ifstream file(words[1], std::ios::binary);
    std::stringstream copied;
    copied << file.rdbuf();
    const std::string data = copied.str();
    double best = 1e9;
    for (int round = 0; round < {rounds}; round++) {{
        const clock_t began = clock();
        {{ kaitai::kstream stream(data); {name}_t found(&stream); }}
        const double took = (clock() - began) / (double)CLOCKS_PER_SEC;
        if (took < best) best = took;
    }}
    std::printf("%f", best);
}}
"""


def write_ksy(folder: Path) -> None:
    """Export the grammars of the benchmark as `.ksy` files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in spec_throughput.GRAMMARS.items():
        grammar = lint_text(text).grammar
        if grammar is None:
            raise RuntimeError(f"the grammar {name} of the benchmark is wrong")
        document = export_ksy(grammar).document
        document["meta"]["id"] = name
        (folder / f"{name}.ksy").write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")


def built(name: str, generated: Path, runtime: Path, folder: Path, rounds: int) -> Path:
    """Compile the driver of one format."""
    source, program = folder / f"{name}_driver.cpp", folder / name
    source.write_text(DRIVER.format(name=name, rounds=rounds), "utf-8")
    sources = [source, generated / f"{name}.cpp", runtime / "kaitai" / "kaitaistream.cpp"]
    options = ["-std=c++11", "-O2", "-DKS_STR_ENCODING_NONE", f"-I{generated}", f"-I{runtime}"]
    subprocess.run(["g++", *options, *map(str, sources), "-o", str(program)], check=True)
    return program


def main() -> int:
    """Run the benchmark and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-ksy", type=Path)
    parser.add_argument("--generated", type=Path)
    parser.add_argument("--runtime", type=Path)
    parser.add_argument("--megabytes", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.write_ksy:
        write_ksy(arguments.write_ksy)
        return 0
    if arguments.generated is None or arguments.runtime is None:
        print("either --write-ksy, or --generated and --runtime", file=sys.stderr)
        return 4
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in spec_throughput.GRAMMARS:
            path = folder / f"{name}.bin"
            spec_throughput.make(name, int(arguments.megabytes * 1e6), path)
            program = built(name, arguments.generated, arguments.runtime, folder, arguments.rounds)
            theirs = float(subprocess.run([program, path], capture_output=True, text=True, check=True).stdout)
            ours = spec_throughput.child(sys.executable, "columns", name, path, arguments.rounds)
            if ours is None:
                return 1
            faster = theirs / max(ours["cpu"], 1e-6)
            print(f"{name:<6} Kaitai C++ -O2 {theirs:.3f} s CPU, columns {ours['cpu']:.4f} s CPU: {faster:.1f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
