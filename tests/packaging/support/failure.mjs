// What a row of the table has as its reason. Any other error is a mistake of the runner, and ends it.
export class Failure extends Error {}
