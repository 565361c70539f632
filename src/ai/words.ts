/**
 * Words by which records and shared memory are read. A third door of this module, for threads that read those and serve
 * nothing: behind it are tables without code.
 */
export { FAILURE_CLASSES } from './routing/failures/failure-class.ts'
export { LIMITED_ROUTES } from './surfaces/limited-routes.ts'
