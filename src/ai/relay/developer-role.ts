import { skipValue, TextHints, walkItems, walkMembers } from '../../lib/index.ts'
import { EditedPart } from './edited-part.ts'

const DEVELOPER = Buffer.from('"developer"')
const HINT = new TextHints(['"developer"'])
const SYSTEM = Buffer.from('"system"')

/**
 * The messages of a chat whose scan succeeded, those of the developer as the system's: only OpenAI's own models tell the two
 * apart, and templates of others refuse the newer name. Null when there are none.
 */
export function withoutDeveloperRole(messages: Buffer): Buffer | null {
  if (!HINT.isIn(messages)) return null
  const edited = new EditedPart(messages)
  let found = false
  walkItems(messages, 0, (at) =>
    walkMembers(messages, at, (value, keyStart, keyEnd) => {
      const end = skipValue(messages, value)
      const isRole = keyEnd - keyStart === 4 && messages.toString('latin1', keyStart, keyEnd) === 'role'
      if (isRole && messages.subarray(value, end).equals(DEVELOPER)) {
        edited.replace(value, end, SYSTEM)
        found = true
      }
      return end
    }),
  )
  return found ? edited.finish() : null
}
