import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type OutputChunk, type Plugin, rolldown } from 'rolldown'

/** One emitted file, by its path in the target folder. */
export interface EmittedFile {
  readonly file: string
  /** Files that are loaded with it, of the same build. */
  readonly imports: readonly string[]
  /** Files that it loads only when it comes to that. */
  readonly lazyImports: readonly string[]
  /** What was put into it: paths from the root. */
  readonly modules: readonly string[]
}

/**
 * Emits the program as few files of readable JavaScript: a thread then loads what its role needs, at the cost of some
 * files instead of two hundred. Packages are part of it, without what is never called; their licences go into
 * `THIRD-PARTY-LICENSES.txt`.
 */
export async function bundle(root: string, target: string): Promise<readonly EmittedFile[]> {
  const build = await rolldown({
    cwd: root,
    // Two folders deep, as in the sources: the version is read from `../../package.json`. The entries of threads are
    // looked for beside the file that starts them.
    input: {
      'cli/main': 'src/cli/main.ts',
      'lib/entry': 'src/app/threads/entry.ts',
      'lib/tokenizer-worker': 'src/ai/tokens/tokenizer-worker.ts',
      'lib/connection-thread': 'src/storage/postgres/connection-thread.ts',
    },
    platform: 'node',
    // Nothing happens at import time: a module of which nothing is used can be left out.
    treeshake: { moduleSideEffects: false },
    plugins: [builtinsWithoutFacade],
    onLog(level, log) {
      if (level !== 'debug') throw new Error(`the bundler says: ${log.message}`)
    },
  })
  const { output } = await build.write({
    dir: target,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'lib/[name].js',
    cleanDir: true,
  })
  await build.close()
  const files = output.filter((item): item is OutputChunk => item.type === 'chunk').map((item) => describe(root, item))
  // The catalogue of models, with its notice; `src/ai/catalogue` looks for it beside the folder of its own code.
  cpSync(path.join(root, 'data'), path.join(target, 'data'), { recursive: true })
  writeFileSync(path.join(target, 'THIRD-PARTY-LICENSES.txt'), licencesOf(root, files))
  return files
}

/**
 * An `import` of a built-in module reads every export of it once, and some of Node's are costly getters: for `node:http`
 * they load a whole HTTP client and WebSockets, 16 MB in each thread. `getBuiltinModule` reads none.
 */
const builtinsWithoutFacade: Plugin = {
  name: 'builtins-without-facade',
  renderChunk(code) {
    return { code: code.replaceAll(BUILTIN_IMPORT, takeBuiltin) }
  },
}

// As the bundler writes them: `import a, { b as c } from "node:x";` or `import * as a from "node:x";`, a line each.
const BUILTIN_IMPORT = /^import (?:(?:\* as )?([\w$]+))?(?:, )?(?:\{ ([^}]+) \})? ?from "(node:[\w/]+)";$/gm

function takeBuiltin(_line: string, whole: string | undefined, names: string | undefined, builtin: string): string {
  const wanted = [whole, names === undefined ? undefined : `{ ${names.replaceAll(' as ', ': ')} }`]
  return wanted
    .filter((target) => target !== undefined)
    .map((target) => `const ${target} = globalThis.process.getBuiltinModule("${builtin}");`)
    .join(' ')
}

function describe(root: string, { fileName, imports, dynamicImports, moduleIds }: OutputChunk): EmittedFile {
  const modules = moduleIds.filter((id) => path.isAbsolute(id)).map((id) => path.relative(root, id))
  return { file: fileName, imports, lazyImports: dynamicImports, modules }
}

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//

function licencesOf(root: string, files: readonly EmittedFile[]): string {
  const folders = new Set(files.flatMap(({ modules }) => modules.map((module) => PACKAGE.exec(module)?.[1] ?? '')))
  folders.delete('')
  const texts = [...folders].toSorted().map((folder) => licenceOf(path.join(root, folder)))
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}

/** Name, author and declared licence of a package, and the licence's text where the package encloses it. */
function licenceOf(folder: string): string {
  // npm has read it before; all fields used here are text or missing, or `author` a person with a name.
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    readonly [field in 'name' | 'version' | 'license']?: string
  } & { readonly author?: string | { readonly name: string } }
  const { name, version, license, author = '' } = manifest
  const by = typeof author === 'string' ? author : author.name
  const text = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file))
  const enclosed = text === undefined ? '' : `\n${readFileSync(path.join(folder, text), 'utf8').trim()}\n`
  return `${name} ${version}${by === '' ? '' : `, by ${by}`}, ${license}\n${enclosed}`
}
