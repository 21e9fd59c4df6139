import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { Console, Effect } from "effect"
import { asShown, columns, printable, printJson } from "../../../scripts/shared/terminal.ts"

beforeEach(() => {
  for (const name of ["LC_ALL", "LC_CTYPE", "LANG"]) vi.stubEnv(name, "")
  vi.stubEnv("TERM", "xterm")
})
afterEach(() => {
  vi.unstubAllEnvs()
})

describe("asShown", () => {
  it("takes the first of LC_ALL, LC_CTYPE and LANG that says something at its word, and Unicode for given", () => {
    assert.strictEqual(asShown("×"), "×")
    vi.stubEnv("LANG", "C")
    assert.strictEqual(asShown("×"), "x")
    vi.stubEnv("LC_CTYPE", "en_US.utf8")
    assert.strictEqual(asShown("×"), "×")
    vi.stubEnv("LC_ALL", "POSIX")
    assert.strictEqual(asShown("×"), "x")
    vi.stubEnv("LC_ALL", "C.UTF-8")
    assert.strictEqual(asShown("×"), "×")
    vi.stubEnv("TERM", "linux")
    assert.strictEqual(asShown("×"), "x", "the console of Linux has few letters")
  })

  it("draws with the nearest signs of ASCII, and tells letters by their numbers", () => {
    vi.stubEnv("LC_ALL", "C")
    assert.strictEqual(asShown("a\n×░▒▓█▲▶┏┓┗┛─━│┃"), "a\nx.:+#^>..''--||")
    assert.strictEqual(asShown("┌┬┐├┼┤└┴┘╿"), "+".repeat(10))
    assert.strictEqual(asShown("é\u{1F600}"), "\\u00e9\\ud83d\\ude00")
  })
})

describe("printable", () => {
  it("shows what a terminal would obey or hide by its number, and nothing else", () => {
    assert.strictEqual(
      printable("\n\t\u001B\u007F\u009B\u00AD\u202E\u2028\u2029\u{E0001}"),
      "\\u000a\\u0009\\u001b\\u007f\\u009b\\u00ad\\u202e\\u2028\\u2029\\udb40\\udc01"
    )
    assert.strictEqual(printable("é × \u{1F600} │"), "é × \u{1F600} │")
  })
})

describe("printJson", () => {
  it.effect("prints what is read as the same, and what a terminal can be shown", () =>
    Effect.gen(function*() {
      const value = { [`\u001B\n\u007F\u009B\u202E\u2028\u{E0001}é`]: ["\u0085", 1] }
      let printed = ""
      yield* printJson(value).pipe(
        Effect.provideService(Console.Console, { ...console, log: (text: string) => void (printed += text) })
      )
      assert.deepStrictEqual(JSON.parse(printed), value)
      assert.notMatch(printed, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}]/u)
      assert.include(printed, "é")
    }))
})

describe("columns", () => {
  it("are those of the window, and 80 where there is none", () => {
    for (const [window, expected] of [[132, 132], [0, 80], [undefined, 80]] as const) {
      vi.stubGlobal("process", Object.create(process, { stdout: { value: { columns: window } } }))
      assert.strictEqual(columns(), expected)
    }
    vi.unstubAllGlobals()
  })
})
