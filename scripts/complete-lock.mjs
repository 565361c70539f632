/*
 * Completes package-lock.json after `npm install`.
 *
 * A registry mirror may hold a native package for some platforms only. npm then leaves the absent optional packages
 * out of the lockfile that it writes, and `npm ci` refuses the result ("Missing: … from lock file"). This adds an entry
 * for each of them, with the platform read off its name, so that every other platform skips it. The entries carry no
 * integrity hash: on a full registry npm writes them itself and nothing is added here.
 *
 * Usage: npm run lock
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']

/** Reads os, cpu and libc off a platform package's name, for example `@oxlint/binding-linux-x64-musl`. */
export function platformOf(name) {
  const parts = name.split(/[/-]/)
  const os = SYSTEMS.find((system) => parts.includes(system))
  const cpu = PROCESSORS.find((processor) => parts.includes(processor))
  const libc = parts.includes('musl') ? 'musl' : parts.includes('gnu') ? 'glibc' : undefined
  return { ...(os && { os: [os] }), ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }) }
}

/** Adds the absent optional packages to a parsed lockfile, sorts its entries, and returns the names added. */
export function completeLock(lock) {
  const packages = lock.packages
  const added = []
  for (const [parent, entry] of Object.entries(packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!/^\d+\.\d+\.\d+/.test(range)) continue
      const found = resolveFrom(packages, parent, name)
      if (found !== undefined && packages[found].version === range) continue
      const key = found === undefined ? `node_modules/${name}` : `${parent}/node_modules/${name}`
      const platform = platformOf(name)
      if (platform.os === undefined && platform.cpu === undefined) {
        throw new Error(`${name}@${range} is not in the registry, and its name tells no platform: pin another version`)
      }
      packages[key] = { version: range, ...platform, ...(entry.dev && { dev: true }), optional: true }
      added.push(`${name}@${range}`)
    }
  }
  const keys = Object.keys(packages).sort((a, b) => a.localeCompare(b, 'en'))
  lock.packages = Object.fromEntries(keys.map((key) => [key, packages[key]]))
  return added
}

function resolveFrom(packages, parent, name) {
  for (let at = parent; ; ) {
    const key = `${at === '' ? '' : `${at}/`}node_modules/${name}`
    if (packages[key] !== undefined) return key
    if (at === '') return undefined
    const cut = at.lastIndexOf('/node_modules/')
    at = cut < 0 ? '' : at.slice(0, cut)
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = new URL('../package-lock.json', import.meta.url)
  const lock = JSON.parse(readFileSync(file, 'utf8'))
  const added = completeLock(lock)
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`package-lock.json: ${added.length} absent platform packages added`)
}
