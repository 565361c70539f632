/*
 * Installs what is missing, then gets out of the way: runs before `npm start` and `npm test`.
 *
 * Plain JavaScript that any Node >= 20 runs, because it is what brings the Node that runs the rest: npm puts
 * node_modules/.bin first in the path of the script that follows, and `node` is there after the first install.
 * `--ignore-scripts` here, and not in .npmrc, because that setting would switch off this very script.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const OLDEST_NODE = 24

/** Says whether the installed tree (npm's hidden lockfile) is what the lockfile asks for on this platform. */
export function isInstalled(lock, hidden, platform = process.platform, cpu = process.arch) {
  const installed = hidden.packages ?? {}
  for (const [key, entry] of Object.entries(installed)) {
    const wanted = lock.packages[key]
    if (wanted === undefined || wanted.version !== entry.version || wanted.integrity !== entry.integrity) return false
  }
  return Object.entries(lock.packages).every(([key, entry]) => {
    if (key === '' || installed[key] !== undefined) return true
    const forOthers = (entry.os && !entry.os.includes(platform)) || (entry.cpu && !entry.cpu.includes(cpu))
    // Which C library the system has is npm's to judge; a package that names one is not insisted on here.
    return entry.optional === true && (forOthers || entry.libc !== undefined)
  })
}

/** Brings node_modules in line with the lockfile; returns null when all is well, else a message for a person. */
export function setUp(root, env = process.env) {
  const lockFile = path.join(root, 'package-lock.json')
  const stampFile = path.join(root, 'node_modules', '.ferro-lock')
  const hiddenFile = path.join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(lockFile)) return null
  const lockText = readFileSync(lockFile, 'utf8')
  const stamp = `${createHash('sha256').update(lockText).digest('hex')} ${process.platform}-${process.arch}\n`
  if (existsSync(stampFile) && existsSync(hiddenFile) && readFileSync(stampFile, 'utf8') === stamp) return null

  const byHand =
    existsSync(hiddenFile) && isInstalled(JSON.parse(lockText), JSON.parse(readFileSync(hiddenFile, 'utf8')))
  if (!byHand) {
    const failure = install(root, env)
    if (failure !== null) return failure
  }
  mkdirSync(path.dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, stamp)
  return null
}

function install(root, env) {
  console.error('setup: installing the packages of package-lock.json (npm ci --ignore-scripts)')
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const [command, first] = env.npm_execpath ? [process.execPath, [env.npm_execpath]] : ['npm', []]
  const result = spawnSync(command, [...first, ...args], { cwd: root, env, encoding: 'utf8' })
  if (result.status === 0) return null
  const said = `${result.error?.message ?? ''}${result.stdout ?? ''}${result.stderr ?? ''}`.trim()
  return (
    `setup: npm ci failed in ${root}\n${said}\n` +
    'setup: check that the npm registry can be reached; if package.json was edited, run `npm install --ignore-scripts` ' +
    'and `npm run lock`, then try again'
  )
}

/** Says what to do when neither the system nor the installed packages have a Node that can run the gateway. */
export function nodeMissing(root, version = process.versions.node) {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return null
  if (existsSync(path.join(root, 'node_modules', '.bin', 'node'))) return null
  return (
    `setup: this Node is ${version}, Node ${OLDEST_NODE} or newer is needed, and the lockfile has none for ` +
    `${process.platform}-${process.arch}: install one and put it in PATH`
  )
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const message = setUp(root) ?? nodeMissing(root)
  if (message !== null) {
    console.error(message)
    process.exitCode = 1
  }
}
