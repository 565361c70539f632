/**
 * What limits and budgets on all levels cost a request more than none: on the key, its team, project and organisation, on the model and on
 * the run, each with three limits (requests, tokens, concurrency) and two budgets (tokens, USD). `spread` has three limits and two
 * budgets in all.
 *
 *     node bench/micro/levels.ts [rounds]
 */
import { compareKinds, LevelKinds } from './level-kinds.ts'
import { openScene } from './scene.ts'

const scene = await openScene()
await compareKinds(scene, new LevelKinds(scene, 'here'), Number(process.argv[2] ?? 150))
await scene.close()
