import type { JsonObject } from '../../ir/json.ts'
import type { Losses } from '../../ir/losses.ts'
import { PARAMETER_NAMES } from '../../ir/parameter-names.ts'
import type { Parameters } from '../../ir/request.ts'

/** The prebuilt voices (ai.google.dev, "Speech generation", 2026). Any other name is refused. */
const VOICES: ReadonlySet<string> = new Set(
  (
    'zephyr puck charon kore fenrir leda orus aoede callirrhoe autonoe enceladus iapetus umbriel algieba despina ' +
    'erinome algenib rasalgethi laomedeia achernar alnilam schedar gacrux pulcherrima achird zubenelgenubi ' +
    'vindemiatrix sadachbia sadaltager sulafat'
  ).split(' '),
)

/** The voice, where it is one of the vendor's; its sound is always raw samples, so a format cannot be asked for. */
export function encodeSpeech(
  { voice, format }: NonNullable<Parameters['audioOutput']>,
  losses: Losses,
): JsonObject | null {
  if (format !== undefined) losses.drop(`${PARAMETER_NAMES.audioOutput}.format`)
  if (voice === undefined) return null
  if (!VOICES.has(voice.toLowerCase())) {
    losses.drop(`${PARAMETER_NAMES.audioOutput}.voice`)
    return null
  }
  return { voiceConfig: { prebuiltVoiceConfig: { voiceName: voice } } }
}
