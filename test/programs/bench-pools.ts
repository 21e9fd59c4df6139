/** Has each pool of the benchmark do each of its jobs, and prints what came of them. */
import { pools } from "../../scripts/bench/pools.ts"

for (const [name, load] of Object.entries(pools)) {
  const { open } = await load()
  const { map, run } = await open({ workers: 2, inFlight: 4 })
  const given = new Float64Array([1, 2, 3])
  const came = {
    noop: await run("noop", 0) ?? null,
    spin: await run("spin", 1) ?? null,
    echo: await run("echo", { text: "a", list: [1, 2] }),
    fill: [...await run("fill", 3) as Float64Array],
    pass: [...await run("pass", given, "moves") as Float64Array],
    hasMoved: given.length === 0,
    map: map === undefined ? [1, 2] : await map("echo", [1, 2])
  }
  console.log(JSON.stringify([name, came]))
}
process.exit()
