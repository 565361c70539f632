import { type DocumentProblem, type IdentityConfig, problemsOf } from '../config/index.ts'
import type { Transport } from '../core/index.ts'
import { AuthMemory } from './auth/auth-memory.ts'
import { keySetOf } from './auth/jwt-auth.ts'
import { keySetFileProblems } from './auth/key-set-file.ts'
import { ServicePrincipals } from './auth/service-principals.ts'
import { LevelTable } from './level-table.ts'

const NOBODY: Transport = { dispatch: () => false, close: async () => undefined }

/** Everything in `identity` that only making it finds. Files of key sets are read; nobody is connected to. */
export async function identityProblems({ jwt, service }: IdentityConfig): Promise<DocumentProblem[]> {
  const issuers = await Promise.all(jwt.map(async (config, at) => await issuerProblems(config, at)))
  const rules = {
    levels: new LevelTable(),
    levelsOf: () => [],
    contradiction: () => null,
    unknownLevels: 'refuse',
  } as const
  const make = () =>
    service === undefined ||
    new ServicePrincipals(service, { connect: () => NOBODY, token: null, warn: () => undefined }, rules)
  return [...issuers.flat(), ...problemsOf(['identity', 'service', 'endpoint'], make)].map(({ path, message }) => ({
    path,
    message: message.replace(KEY_IN_FRONT, ''),
  }))
}

/** Who reads a message without its place needs the name of the key in it. */
const KEY_IN_FRONT = /^(?:auth|identity)[\w.[\]]*: /

async function issuerProblems(config: IdentityConfig['jwt'][number], at: number): Promise<DocumentProblem[]> {
  const { jwks_file: file } = config
  const path = ['identity', 'jwt', at, file === undefined ? 'jwks_url' : 'jwks_file']
  const parts = { memory: new AuthMemory(), connect: () => NOBODY, warn: () => undefined }
  const found = problemsOf(path, () => keySetOf(config, parts))
  return found.length > 0 || file === undefined ? found : await keySetFileProblems(file, path)
}
