"""What the benches share: the peers' environment, timed child processes, tables, results."""

import functools
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[1]
RESULTS = SOURCE / "bench/results"
PROGRAM = SOURCE / "build/release/latlas"
ENVIRONMENT = SOURCE / ".venv-bench"
PEERS = ["numpy", "matplotlib", "scikit-learn", "tensorflow-cpu", "keras", "openTSNE", "faiss-cpu",
         "hnswlib", "pynndescent", "umap-learn", "scikit-learn-intelex"]
SHOWN_AS = {"faiss-cpu": ["faiss"], "hnswlib": ["hnsw"], "scikit-learn": ["scikit-learn", "sklearn"]}
THREADS = 2


@functools.cache
def peers_python():
    """The interpreter of an environment that holds the peers; made on the first call."""
    python = ENVIRONMENT / "bin/python"
    if not python.exists():
        print("bench: installing the peers (once) …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    missing = subprocess.run([python, "-c", "import numpy, matplotlib, sklearn, tensorflow, openTSNE, "
                              "faiss, hnswlib, pynndescent, umap, sklearnex"],
                             stderr=subprocess.DEVNULL).returncode
    if missing:
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    return str(python)


def versions():
    """The peers' versions in their environment, as it is; empty where nothing is installed yet."""
    python = ENVIRONMENT / "bin/python"
    if not python.exists():
        return {}
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, text=True)
    return {p["name"]: p["version"] for p in json.loads(listed.stdout or "[]")
            if p["name"].lower() in {name.lower() for name in (*PEERS, "MulticoreTSNE")}}


@functools.cache
def tried():
    """MulticoreTSNE, if it builds here: its name → None, or the reason why it does not."""
    name = "MulticoreTSNE"
    if subprocess.run([peers_python(), "-c", f"import {name}"], stderr=subprocess.DEVNULL).returncode == 0:
        return {name: None}
    done = subprocess.run([peers_python(), "-m", "pip", "install", "-q", name], capture_output=True, text=True)
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "rror" in line]
    return {name: None if done.returncode == 0 else (said or ["pip failed"])[0]}


def commit():
    """The code that was measured: its commit, with a + where files differ from it."""
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=SOURCE, capture_output=True, text=True).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "src", "cli")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def environment(**more):
    """Two threads for everybody, and no settings that slow a peer down."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    env.update(OMP_NUM_THREADS=str(THREADS), OPENBLAS_NUM_THREADS=str(THREADS),
               TF_NUM_INTRAOP_THREADS=str(THREADS), TF_NUM_INTEROP_THREADS="1",
               TF_CPP_MIN_LOG_LEVEL="3", NUMBA_NUM_THREADS=str(THREADS), **{k: str(v) for k, v in more.items()})
    return env


def timed(command, **env):
    """Runs a command; returns seconds, peak memory in bytes, and its standard output."""
    begin = time.monotonic()
    with subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True,
                          cwd=SOURCE, env=environment(**env)) as child:
        output = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))} ended with {child.returncode}\n{output}")
    return time.monotonic() - begin, usage.ru_maxrss * 1024, output


def peer(script, *arguments, **env):
    """Runs a script of bench/ in the peers' environment; returns what it printed as JSON."""
    seconds, memory, output = timed([peers_python(), SOURCE / "bench" / script, *arguments], **env)
    result = json.loads(output.strip().splitlines()[-1])
    result.update(process_seconds=seconds, peak_memory_bytes=memory)
    return result


def peer_file(script, *arguments):
    """Runs a script of bench/ that makes a file and prints its path; returns the path."""
    _, _, output = timed([peers_python(), SOURCE / "bench" / script, *arguments])
    return pathlib.Path(output.strip().splitlines()[-1])


def latlas(*arguments, **env):
    """Runs the program with --json --quiet; returns what it printed, with time and memory."""
    seconds, memory, output = timed([PROGRAM, *arguments, "--json", "--quiet"], **env)
    result = json.loads(output) if output.strip() else {}
    result.update(process_seconds=seconds, process_memory_bytes=memory)
    return result


def median(values):
    return statistics.median(values)


def machine():
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    return {"processor": model, "cores": os.cpu_count(), "threads": THREADS,
            "avx512": " avx512f" in flags, "amx": " amx_tile" in flags,
            "system": platform.platform()}


def table(rows, columns):
    """Prints rows (dicts) under their columns, as a Markdown table; returns its text."""
    cells = [columns] + [[str(row.get(c, "")) for c in columns] for row in rows]
    width = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, width)) + " |" for line in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in width) + "|")
    text = "\n".join(lines)
    print(text, flush=True)
    return text


def bars(rows):
    """What was promised beside what was measured, printed; rows of (what, measured, relation, bar)."""
    print()
    holds = {"≤": lambda a, b: a <= b, "≥": lambda a, b: a >= b}
    lines = [{"bar": f"{what} {relation} {bar:.6g}", "measured": f"{measured:.6g}",
              "": "holds" if holds[relation](measured, bar) else "MISSED"}
             for what, measured, relation, bar in rows]
    promised.extend(lines)
    return "\n\n" + table(lines, ["bar", "measured", ""])


promised = []  # the lines of bars() since the last save()


def save(name, text, numbers):
    """Writes bench/results/NAME.md and .json, with the machine, the command and the bars."""
    RESULTS.mkdir(exist_ok=True)
    m = machine()
    head = (f"# {name}\n\n`./dev bench {name}` on {time.strftime('%Y-%m-%d', time.gmtime())}: "
            f"{m['processor']}, {m['cores']} cores, {m['threads']} threads, "
            f"{'AVX-512' if m['avx512'] else 'AVX2'}.\n\n")
    peers = {peer: version for peer, version in versions().items()
             if any(name in text for name in SHOWN_AS.get(peer, [peer.split("-")[0]]))}
    foot = "".join(f", {peer} {version}" for peer, version in sorted(peers.items()))
    foot = f"\n\nlatlas at {commit()}{foot}.\n"
    (RESULTS / f"{name}.md").write_text(head + text + foot)
    (RESULTS / f"{name}.json").write_text(json.dumps(
        {"machine": m, "commit": commit(), "date": time.strftime("%Y-%m-%d", time.gmtime()),
         "versions": peers, "bars": promised, **numbers}, indent=1) + "\n")
    promised.clear()
    print(f"\nwritten to bench/results/{name}.md")

