import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import axe from "axe-core"
import { Effect, Exit, Scope } from "effect"
import fs from "node:fs/promises"
import path from "node:path"
import { pathToFileURL } from "node:url"
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core"
import { afterAll } from "vitest"
import type { RunRecord } from "../../../lib/mod.ts"
import { colorOf } from "../../../scripts/plots/chart.ts"
import * as plots from "../../../scripts/plots/plots.ts"
import * as html from "../../../scripts/review/page/html.ts"
import { browser, noBrowser, open } from "../../shared/browser.ts"
import { job, runRecord, sample } from "../../shared/records.ts"
import * as here from "../shared/here.ts"
import { readRecord } from "../shared/record.ts"
import * as script from "../shared/script.ts"

const reference = (name: string) => path.join(script.root, "results", "reference", `${name}.json`)

const benchmark = reference("bench")

/** The numbers beside the ticks of a chart's vertical axis, with their places, and the highest place of its lines. */
const drawnMaximum = async (page: Page, color: string): Promise<number> => {
  const ticks = await page.locator("#memory svg text[text-anchor=end]").evaluateAll((texts) =>
    texts.map((text) => {
      const { bottom, top } = text.getBoundingClientRect()
      return { value: Number(text.textContent.replaceAll(",", "")), y: (top + bottom) / 2 }
    })
  )
  const [low, high] = [ticks[0]!, ticks.at(-1)!]
  const top = await page.locator(`#memory svg path[stroke="${color}"]`).evaluate((line) => {
    const { y } = line.getBBox()
    return y + line.ownerSVGElement.getBoundingClientRect().top
  })
  return low.value + (high.value - low.value) * (low.y - top) / (low.y - high.y)
}

/** Moves the focus with Tab until it is there. */
const tabTo = async (page: Page, wanted: Locator) => {
  for (let presses = 0; presses < 50; presses++) {
    if (await wanted.evaluate((element) => element === element.ownerDocument.activeElement)) return
    await page.keyboard.press("Tab")
  }
  assert.fail("expected to get there with Tab")
}

const linesOf = (page: Page, run: number) => page.locator(`#memory svg path[stroke="${colorOf(run)}"]`)

const inkOf = (page: Page) => page.locator("#memory svg text").first().getAttribute("fill")

const timesUnder = (page: Page, chart: string) =>
  page.locator(`${chart} svg text[text-anchor=middle]`).allTextContents()

describe.skipIf(noBrowser !== undefined)(
  `scripts/review.ts page, in Chromium${noBrowser ? ` (${noBrowser})` : ""}`,
  () => {
    const scope = Scope.makeUnsafe()
    let chromium: Browser
    let url: string

    beforeAll(async () => {
      const made = Effect.gen(function*() {
        const out = path.join(yield* script.folder, "page.html")
        const records = [...script.experiments.map(reference), benchmark]
        const ended = yield* script.run("review", ["page", ...records, "--out", out])
        assert.deepStrictEqual(ended, { status: 0, stdout: `${out}\n`, stderr: "" })
        return { chromium: yield* browser, url: pathToFileURL(out).href }
      })
      ;({ chromium, url } = await Effect.runPromise(Scope.provide(made, scope)))
    }, 60_000)

    afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

    const opened = (options?: BrowserContextOptions) => open(chromium, url, options)

    it.live("draws the runs up to their peaks, without a complaint and without the network", () =>
      Effect.gen(function*() {
        const { complaints, page, requests } = yield* opened()
        const drawn = yield* Effect.promise(() =>
          Promise.all(script.experiments.map((_, run) => drawnMaximum(page, colorOf(run))))
        )
        yield* Effect.promise(() => page.locator("#memory summary").click())
        yield* Effect.promise(() => page.locator("#memory td").first().waitFor())
        const rows = yield* Effect.promise(() => page.locator("#memory tbody tr").allInnerTexts())
        for (const [run, name] of script.experiments.entries()) {
          const { summary: { peakRssBytes } } = yield* readRecord(reference(name))
          assert.approximately(drawn[run]!, peakRssBytes / 1e6, 20, `${name}: a pixel is 16 MB`)
          const numbers = rows.map((row) => row.split("\t")).filter(([label]) => label === name)
          assert.strictEqual(
            Math.max(...numbers.map(([, , mb]) => Number(mb))),
            Number((peakRssBytes / 1e6).toFixed(3))
          )
        }
        const titles = yield* Effect.promise(() => page.locator("main h2:visible").allInnerTexts())
        assert.deepStrictEqual(titles, [
          "Runs",
          "Memory over time",
          "Workers",
          "Run time of the jobs",
          "Wait time of the jobs",
          "Beside the best peer",
          "Benchmarks",
          "Environment"
        ])
        assert.strictEqual(yield* Effect.promise(() => page.locator("#runs-title ~ .table tbody tr").count()), 4)
        assert.deepStrictEqual([complaints, requests], [[], [url]])
      }))

    it.live("zooms, and hides a run, by keyboard alone", () =>
      Effect.gen(function*() {
        const { complaints, page } = yield* opened()
        yield* Effect.promise(async () => {
          assert.isTrue(await linesOf(page, 0).isVisible())
          await tabTo(page, page.getByRole("checkbox", { name: "eager" }))
          await page.keyboard.press("Space")
          await linesOf(page, 0).waitFor({ state: "detached" })
          assert.isTrue(await linesOf(page, 1).isVisible())
          await page.keyboard.press("Space")
          await linesOf(page, 0).waitFor()

          const whole = await timesUnder(page, "#lanes")
          await tabTo(page, page.locator("#memory").getByRole("button", { name: "Zoom in" }))
          await page.keyboard.press("Enter")
          for (const chart of ["#memory", "#lanes"]) {
            await page.locator(`${chart} svg text`, { hasText: /^[67]$/ }).first().waitFor()
            assert.notInclude(await timesUnder(page, chart), "0")
          }
          await tabTo(page, page.locator("#memory").getByRole("button", { name: "Whole run" }))
          await page.keyboard.press("Enter")
          await page.locator("#lanes svg text[text-anchor=middle]", { hasText: /^0$/ }).waitFor()
          assert.deepStrictEqual(await timesUnder(page, "#lanes"), whole)
        })
        assert.deepStrictEqual(complaints, [])
      }))

    const looks = [
      { colorScheme: "light", viewport: { width: 1280, height: 900 } },
      { colorScheme: "dark", viewport: { width: 360, height: 700 } }
    ] as const
    for (const look of looks) {
      it.live(`has no serious fault for who cannot see it well, ${look.colorScheme} and ${look.viewport.width} wide`, () =>
        Effect.gen(function*() {
          const { page } = yield* opened(look)
          const { width, violations } = yield* Effect.promise(async () => {
            await page.locator("#benchmarks summary").click()
            await page.locator("#benchmarks td").first().waitFor()
            await page.evaluate(axe.source)
            const { violations } = await page.evaluate<axe.AxeResults>("axe.run()")
            return { violations, width: await page.evaluate<number>("document.documentElement.scrollWidth") }
          })
          const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical")
          assert.deepStrictEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [])
          assert.isAtMost(width, look.viewport.width)
        }))
    }

    it.live("is dark where that is asked for, also later, and light on paper", () =>
      Effect.gen(function*() {
        const [light, dark] = yield* Effect.all([opened({ colorScheme: "light" }), opened({ colorScheme: "dark" })])
        yield* Effect.promise(async () => {
          const [lightInk, darkInk] = [await inkOf(light.page), await inkOf(dark.page)]
          assert.notStrictEqual(lightInk, darkInk)
          const untilInk = (ink: string | null) =>
            dark.page.locator(`#memory svg text[fill="${ink}"]`).first().waitFor()
          await dark.page.emulateMedia({ colorScheme: "light" })
          await untilInk(lightInk)
          await dark.page.emulateMedia({ colorScheme: "dark" })
          await untilInk(darkInk)
          await dark.page.emulateMedia({ colorScheme: "dark", media: "print" })
          await untilInk(lightInk)
          assert.isFalse(await dark.page.getByRole("button", { name: "Zoom in" }).first().isVisible())
        })
      }))

    it.live("runs nothing that a record says, shows it, and names the files that are none", () =>
      Effect.gen(function*() {
        const folder = yield* script.folder
        const inFolder = (name: string) => path.join(folder, name)
        const attack = `</script><script>hacked = 1</script><img src=x onerror="hacked = 1">{a|b}\u2028`
        const hostile: RunRecord.RunRecord = {
          ...runRecord,
          script: attack,
          parameters: { [attack]: attack, constructor: 1 },
          environment: { ...runRecord.environment, cpu: attack },
          jobs: [job(0, { error: attack, status: "failed" })],
          memory: [sample(0, 0), sample(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)],
          summary: { ...runRecord.summary, wallMs: 1e308 }
        }
        yield* script.write(inFolder("hostile.json"), JSON.stringify(hostile))
        yield* script.write(
          inFolder("proto.json"),
          JSON.stringify(runRecord).replace(`"jobs":2`, `"__proto__":{"x":1}`)
        )
        const noRecords = {
          [`${"<img src=x onerror=hacked=1>"}.json`]: "{",
          "proto.json": JSON.stringify(runRecord).replace(`"jobs":2`, `"__proto__":{"x":1}`),
          "future.json": JSON.stringify({ ...runRecord, version: 99 }),
          "nan.json": JSON.stringify(runRecord).replace(`"wallMs":1000`, `"wallMs":NaN`),
          "deep.json": "[".repeat(1e6),
          "types.json": JSON.stringify({ ...runRecord, jobs: "many" }),
          "torn.jsonl": `{"_tag":`
        }
        for (const [name, text] of Object.entries(noRecords)) yield* script.write(inFolder(name), text)

        const files = ["hostile.json", ...Object.keys(noRecords), "missing.json"]
        const out = inFolder("page.html")
        const ended = yield* script.run("review", ["page", ...files.map(inFolder), "--out", out])
        assert.deepStrictEqual([ended.status, ended.stdout], [0, `${out}\n`])
        for (const name of [...Object.keys(noRecords), "missing.json"]) assert.include(ended.stderr, inFolder(name))
        assert.include(ended.stderr, "expected at most version 1, got 99")

        const { complaints, page, requests } = yield* open(chromium, pathToFileURL(out).href)
        const shown = yield* Effect.promise(async () => {
          for (const chart of ["#memory", "#lanes", "#run-times"]) await page.locator(`${chart} .chart`).hover()
          return page.locator("body").innerText()
        })
        assert.include(shown, attack.replace("\u2028", ""))
        for (const name of Object.keys(noRecords)) assert.include(shown, name)
        assert.strictEqual(yield* Effect.promise(() => page.evaluate("typeof hacked")), "undefined")
        assert.deepStrictEqual([complaints, requests], [[], [pathToFileURL(out).href]])
      }))

    it.live("draws of a million jobs what can be seen", () =>
      Effect.gen(function*() {
        const count = 1_000_000
        const jobs = Array.from(
          { length: count },
          (_, n) => job(n, { workerId: n % 3, submittedMs: n / 2, startedMs: n, returnedMs: n + 2 })
        )
        const memory = Array.from({ length: count }, (_, n) => sample(n / 10, 2e8 + n % 1000, 3e8))
        memory[123_456] = sample(12_345.6, 777_000_123, 777_000_123)
        const record = { ...runRecord, jobs, memory, summary: { ...runRecord.summary, wallMs: count } }
        const contents = { digests: [plots.digest(record)], benchmarks: [], unreadable: [] }
        const make = yield* Effect.provide(html.make, NodeServices.layer)
        const text = make({ plots: plots.plots(contents), isLive: false })
        assert.isBelow(text.length, 2e6)

        const file = path.join(yield* script.folder, "million.html")
        yield* script.write(file, text)
        const { complaints, page } = yield* open(chromium, pathToFileURL(file).href)
        const { elements, peak } = yield* Effect.promise(async () => {
          await page.locator("#lanes svg").waitFor()
          return { elements: await page.locator("svg *").count(), peak: await drawnMaximum(page, colorOf(0)) }
        })
        assert.isBelow(elements, 5000)
        assert.approximately(peak, 777, 5)
        assert.include(yield* Effect.promise(() => page.locator("#runs-title ~ .table").innerText()), `${count}`)
        assert.deepStrictEqual(complaints, [])
      }))
  }
)

describe("scripts/review.ts page", () => {
  it.live("says why a page cannot be written", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const missing = path.join(folder, "missing", "page.html")
      const [ofFolder, ofMissing] = yield* script.together(
        here.run("review", ["page", reference("lazy"), "--out", folder]),
        here.run("review", ["page", reference("lazy"), "--out", missing])
      )
      assert.deepStrictEqual([ofFolder.status, ofMissing.status], [2, 2])
      assert.strictEqual(ofFolder.stderr, `--out: ${folder} cannot be written: there is a Directory\n`)
      assert.match(ofMissing.stderr, /missing\/page\.html cannot be written: .*no such file/)
    }))

  it.live("leaves nothing of a page that does not fit", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      // The shell's limit on the size of a file, in blocks of 512 bytes, fails a write as a full disk does.
      const command = `ulimit -f 4 && exec "$0" --import tsx scripts/review.ts page "$@"`
      const args = [reference("lazy"), "--out", path.join(folder, "page.html")]
      const running = yield* script.start("sh", ["-c", command, process.execPath, ...args], {
        env: { TSX_DISABLE_CACHE: "1", NODE_DISABLE_COMPILE_CACHE: "1" }
      })
      const { status, stderr } = yield* running.ended
      assert.strictEqual(status, 2)
      assert.match(stderr, /page\.html cannot be written: .*too large/)
      assert.deepStrictEqual(yield* script.filesIn(folder), [])
    }))

  it.live("leaves a file alone unless told otherwise, and makes none of nothing", () =>
    Effect.gen(function*() {
      const folder = yield* script.folder
      const [out, broken] = [path.join(folder, "page.html"), path.join(folder, "broken.json")]
      yield* script.write(out, "what was there")
      yield* script.write(broken, "{")
      const [exists, nothing] = yield* script.together(
        here.run("review", ["page", reference("lazy"), "--out", out]),
        here.run("review", ["page", broken, "--out", out, "--force"])
      )
      assert.deepStrictEqual([exists.status, exists.stdout], [2, ""])
      assert.include(exists.stderr, out)
      assert.deepStrictEqual([nothing.status, nothing.stdout], [2, ""])
      assert.include(nothing.stderr, broken)
      assert.strictEqual(yield* script.read(out), "what was there")

      // As who has it open.
      const kept = path.join(folder, "kept")
      yield* Effect.promise(() => fs.link(out, kept))
      const forced = yield* here.run("review", ["page", reference("lazy"), broken, "--out", out, "--force", "--json"])
      assert.strictEqual(forced.status, 0)
      assert.strictEqual(yield* script.read(kept), "what was there", "until the page is whole")
      assert.deepStrictEqual(yield* script.filesIn(folder), ["broken.json", "kept", "page.html"])
      const told = JSON.parse(forced.stdout) as { file: string; unreadable: ReadonlyArray<{ file: string }> }
      assert.deepStrictEqual([told.file, told.unreadable.map(({ file }) => file)], [out, [broken]])
      const page = yield* script.read(out)
      assert.match(page, /^<!doctype html>/)
      const hash = "'sha256-[\\w+/]{43}='"
      const others = "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
      assert.match(
        page,
        new RegExp(`"Content-Security-Policy" content="default-src 'none'; script-src ${hash}; ${others}"`)
      )
    }))
})
