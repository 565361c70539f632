import { readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { GatewayError } from '../../../core/index.ts'
import type { Expiring } from './expiring.ts'
import type { AwsKeys } from './sigv4.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A profile is read anew after so long: whoever rotates its keys writes the file. */
const READ_EVERY_MS = 600_000

/**
 * Keys of a profile in AWS's shared files ("Shared config and credentials files"): those that stand there. Profiles that name a role,
 * a login or a program that gives keys are refused with a word on it.
 */
export function profileKeys(
  name: string,
  environment: Environment,
  now: () => number,
): () => Promise<Expiring<AwsKeys>> {
  const folder = path.join(os.homedir(), '.aws')
  const credentials = environment['AWS_SHARED_CREDENTIALS_FILE'] ?? path.join(folder, 'credentials')
  const config = environment['AWS_CONFIG_FILE'] ?? path.join(folder, 'config')
  return () => {
    const said = new Map([
      ...sectionOf(config, name === 'default' ? [name] : [`profile ${name}`]),
      // The file of credentials wins over the one beside it.
      ...sectionOf(credentials, [name]),
    ])
    const [id, secret, session] = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'].map((key) =>
      said.get(key),
    )
    if (id === undefined || secret === undefined) {
      const why =
        said.size === 0 ? 'is in none of the files' : 'has no keys of its own, and roles and logins are not read'
      return Promise.reject(new GatewayError('upstream_auth', `The AWS profile "${name}" ${why}.`))
    }
    const value = {
      accessKeyId: id,
      secretAccessKey: secret,
      ...(session === undefined ? {} : { sessionToken: session }),
    }
    return Promise.resolve({ value, expiresAt: now() + READ_EVERY_MS })
  }
}

/** Members of the section of one of these names; a file that is not there has none. */
function sectionOf(file: string, names: readonly string[]): [key: string, value: string][] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return [] // said by who needed it
  }
  const members: [string, string][] = []
  let inside = false
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const section = /^\[\s*(.+?)\s*\]$/.exec(line)?.[1]
    if (section !== undefined) inside = names.includes(section.replace(/\s+/g, ' '))
    else if (inside && !/^\s/.test(raw)) {
      const at = line.indexOf('=')
      if (at > 0) members.push([line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()])
    }
  }
  return members
}
