import type { DueThing } from '../../../storage/index.ts'

/** A thing that is due, in `x.surface` of the request that looks at it, until its claim is known. */
export class UnreadThing {
  readonly due: DueThing

  constructor(due: DueThing) {
    this.due = due
  }
}
