import type { Finding } from '../finding.ts'

const LICENCES = new Set([
  'MIT',
  'MIT-0',
  'Apache-2.0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'Unlicense',
])

interface LockEntry {
  readonly version?: string
  readonly integrity?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** What the check reads: the three texts as they are in the repository. */
export interface PackageFiles {
  readonly manifest: string
  readonly lock: string
  /** `docs/dependencies.md`, with one row a direct dependency. */
  readonly page: string
}

/**
 * Holds the dependencies to the rules: exact versions, a permissive licence, a hash for everything that Linux on x64 and
 * arm64 installs, no install script in production, a row with the reason, and a complete lockfile.
 */
export function checkPackages({ manifest, lock, page }: PackageFiles): readonly Finding[] {
  // npm has read the manifest before anything here runs, and refuses one of another shape.
  const wanted = JSON.parse(manifest) as LockEntry
  // The same holds for the lockfile.
  const locked = (JSON.parse(lock) as { packages: Readonly<Record<string, LockEntry>> }).packages
  const direct = Object.entries({ ...wanted.dependencies, ...wanted.devDependencies, ...wanted.optionalDependencies })
  return [
    ...direct.flatMap(([name, version]) => directFindings(name, version, locked, page)),
    ...Object.entries(locked).flatMap(([key, entry]) => (key === '' ? [] : lockFindings(key, entry))),
    ...Object.values(locked).flatMap((entry) => gapFindings(entry, locked)),
  ]
}

function directFindings(
  name: string,
  version: string,
  locked: Readonly<Record<string, LockEntry>>,
  page: string,
): readonly Finding[] {
  const findings: Finding[] = []
  const add = (file: string, what: string, remedy: string) => findings.push({ file, line: 0, what, remedy })
  if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(version)) {
    add('package.json', `${name} at "${version}" is no exact version`, 'pin the version that was tested')
  }
  if (locked[`node_modules/${name}`]?.version !== version) {
    add('package-lock.json', `${name}@${version} is not locked`, 'run npm install --ignore-scripts and npm run lock')
  }
  if (!page.includes(`| \`${name}\` |`)) {
    add('docs/dependencies.md', `no row for ${name}`, 'say in a row why it is worth its weight')
  }
  return findings
}

function lockFindings(key: string, entry: LockEntry): readonly Finding[] {
  const findings: Finding[] = []
  const name = key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const add = (what: string, remedy: string) => findings.push({ file: 'package-lock.json', line: 0, what, remedy })
  if (entry.hasInstallScript === true && entry.dev !== true) {
    add(`${name} runs a script at installation`, 'choose another package: nothing runs before it was asked to')
  }
  if (entry.integrity === undefined) {
    if (isForTarget(entry)) add(`${name} has no integrity hash`, 'lock it from a registry that holds it')
    return findings
  }
  if (!isPermissive(entry.license ?? '')) {
    add(`${name} is under "${entry.license ?? 'no licence'}"`, `choose one under ${[...LICENCES].join(', ')}`)
  }
  return findings
}

/** Whether Linux with glibc on x64 or arm64 installs the package. */
function isForTarget({ os, cpu, libc }: LockEntry): boolean {
  return (
    (os?.includes('linux') ?? true) &&
    (cpu === undefined || cpu.includes('x64') || cpu.includes('arm64')) &&
    (libc?.includes('glibc') ?? true)
  )
}

function gapFindings(entry: LockEntry, locked: Readonly<Record<string, LockEntry>>): readonly Finding[] {
  return Object.keys(entry.optionalDependencies ?? {})
    .filter((name) => !Object.keys(locked).some((key) => key.endsWith(`node_modules/${name}`)))
    .map((name) => ({
      file: 'package-lock.json',
      line: 0,
      what: `the optional package ${name} is missing, and npm ci will refuse the lockfile`,
      remedy: 'run npm run lock',
    }))
}

function isPermissive(expression: string): boolean {
  return expression
    .replace(/[()]/g, '')
    .split(/\s+OR\s+/)
    .some((choice) => choice.split(/\s+AND\s+/).every((licence) => LICENCES.has(licence.trim())))
}
