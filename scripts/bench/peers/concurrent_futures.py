"""The known experiment on CPython, its futures let go of as they are read; prints one sample as JSON."""
import json
import math
import resource
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait


def sines(count):
    return [math.sin(i) for i in range(count)]


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(executor, jobs, count, workers):
    running = set()
    for _ in range(jobs):
        running.add(executor.submit(sines, count))
        if len(running) == workers:
            running = wait(running, return_when=FIRST_COMPLETED).not_done
    wait(running)


parameters = json.loads(sys.argv[1])
with ThreadPoolExecutor(parameters["workers"]) as executor:
    run(executor, parameters["workers"], 0, parameters["workers"])
    before, cpu, started_at = peak_bytes(), time.process_time(), time.perf_counter()
    run(executor, **parameters)
    print(json.dumps({
        "wallMs": (time.perf_counter() - started_at) * 1000,
        "cpuMs": (time.process_time() - cpu) * 1000,
        "peakGrowthBytes": peak_bytes() - before,
    }))
