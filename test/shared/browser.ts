/** A real Chromium: the one of the npm registry where that runs, or else the system's. */
import { Effect, type Scope } from "effect"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import fs from "node:fs/promises"
import os from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { type Browser, type BrowserContextOptions, chromium, type LaunchOptions, type Page } from "playwright-core"
import packageJson from "../../package.json" with { type: "json" }

const isPackaged = process.platform === "linux" && process.arch === "x64"

const ofSystem = process.env["PATH"]!.split(path.delimiter)
  .flatMap((place) => ["chromium", "chromium-browser", "google-chrome"].map((name) => path.join(place, name)))
  .find((file) => existsSync(file))

/** Why there is none, where that is so. */
export const noBrowser = isPackaged || ofSystem !== undefined
  ? undefined
  : `no Chromium: expected Linux on x64, or the system's, got ${process.platform} on ${process.arch}`

/** The package's browser with its libraries and fonts, unpacked once by each user; two at a time don't meet. */
const unpack = async (): Promise<LaunchOptions> => {
  const version = packageJson.devDependencies["@sparticuz/chromium"]
  const folder = path.join(os.tmpdir(), `effect-futures-chromium-${version}-of-${process.getuid!()}`)
  if (!existsSync(folder)) {
    const own = await fs.mkdtemp(`${folder}-`)
    await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", `await (await import("@sparticuz/chromium")).default.executablePath()`],
      // The libraries come along only where it takes this for its home.
      { cwd: import.meta.dirname, env: { ...process.env, TMPDIR: own, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x" } }
    )
    await fs.writeFile(path.join(own, "fonts.conf"), `<fontconfig><dir prefix="relative">fonts</dir></fontconfig>`)
    await fs.rename(own, folder).catch(() => fs.rm(own, { recursive: true }))
  }
  return {
    executablePath: path.join(folder, "chromium"),
    env: {
      ...process.env as Record<string, string>,
      LD_LIBRARY_PATH: path.join(folder, "al2023", "lib"),
      FONTCONFIG_FILE: path.join(folder, "fonts.conf")
    }
  }
}

/** For the time of the scope. */
export const browser: Effect.Effect<Browser, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(async () =>
    chromium.launch({
      ...isPackaged ? await unpack() : { executablePath: ofSystem! },
      args: ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    })
  ),
  (opened) => Effect.promise(() => opened.close())
)

/** A page, and all that it has complained of or asked the network for. */
export interface Opened {
  readonly page: Page
  readonly complaints: ReadonlyArray<string>
  readonly requests: ReadonlyArray<string>
}

/** Opens an address in a window of its own. */
export const open = (
  opened: Browser,
  url: string,
  options: BrowserContextOptions = {}
): Effect.Effect<Opened, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => opened.newContext(options)),
      (context) => Effect.promise(() => context.close())
    ),
    (context) => context
  ).pipe(Effect.flatMap((context) =>
    Effect.promise(async () => {
      const page = await context.newPage()
      const complaints: Array<string> = []
      const requests: Array<string> = []
      page.on("console", (message) => complaints.push(message.text()))
      page.on("pageerror", ({ message }) => complaints.push(message))
      page.on("dialog", (dialog) => {
        complaints.push(dialog.message())
        void dialog.dismiss()
      })
      page.on("request", (request) => requests.push(request.url()))
      await page.goto(url)
      return { page, complaints, requests }
    })
  ))
