const GENERATION = /gemini-(\d+)(?:\.(\d+))?/

/** Names without a number (`gemini-flash-latest`) stand for the newest. */
const NEWEST = 3

/** Which generation of Gemini a model's name tells: 2.5, 3 …; 0 for other models of this dialect. */
export function generationOf(model: string): number {
  const found = GENERATION.exec(model)
  if (found !== null) return Number(`${found[1]}.${found[2] ?? 0}`)
  return model.includes('gemini-') && !model.includes('robotics') ? NEWEST : 0
}

/** Generations from 3 on demand signatures on function calls, take levels of thinking and media inside of results. */
export function isThirdGeneration(model: string): boolean {
  return generationOf(model) >= 3
}

/** `parametersJsonSchema` and `responseJsonSchema` are taken from 2.5 on. */
export function takesJsonSchema(model: string): boolean {
  const generation = generationOf(model)
  return generation === 0 || generation >= 2.5
}
