import type { KeyAnswer } from '../control/index.ts'
import type { AdminClient } from './admin-client.ts'
import type { KeyStore } from './key-store.ts'

const KEYS_PATH = '/admin/v1/api-keys'

/** Keys through the admin API of a running gateway. */
export class AdminKeyStore implements KeyStore {
  readonly live = true
  readonly #admin: AdminClient

  constructor(admin: AdminClient) {
    this.#admin = admin
  }

  async list(): Promise<readonly KeyAnswer[]> {
    const keys: KeyAnswer[] = []
    for (let cursor = ''; ; ) {
      const page = await this.#admin.call('GET', `${KEYS_PATH}?limit=1000${cursor}`)
      keys.push(...(page['data'] as readonly KeyAnswer[])) // control/api-keys.ts answers with it
      const next = page['next_cursor']
      if (typeof next !== 'string') return keys
      cursor = `&cursor=${encodeURIComponent(next)}`
    }
  }

  async create(request: object): Promise<{ key: KeyAnswer; secret: string }> {
    return (await this.#admin.call('POST', KEYS_PATH, { body: request })) as unknown as Created // as above
  }

  async change(id: string, patch: object): Promise<KeyAnswer | null> {
    const { key } = await this.#admin.call('PATCH', `${KEYS_PATH}/${encodeURIComponent(id)}`, {
      body: patch,
      absent: 404,
    })
    return key === undefined ? null : (key as KeyAnswer) // as above
  }

  async revoke(id: string): Promise<{ key: KeyAnswer; warning: string | null } | null> {
    const path = `${KEYS_PATH}/${encodeURIComponent(id)}`
    const { key, warning } = await this.#admin.call('DELETE', path, { absent: 404 })
    if (key === undefined) return null
    return { key: key as KeyAnswer, warning: typeof warning === 'string' ? warning : null } // as above
  }

  async rotate(id: string, request: object): Promise<Created | null> {
    const path = `${KEYS_PATH}/${encodeURIComponent(id)}/rotate`
    const answer = await this.#admin.call('POST', path, { body: request, absent: 404 })
    return answer['key'] === undefined ? null : (answer as unknown as Created) // as above
  }

  close(): void {
    // Nothing is held between calls.
  }
}

interface Created {
  readonly key: KeyAnswer
  readonly secret: string
}
