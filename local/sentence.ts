/** An error whose message is all the reader needs: the scripts of local/ print it without a stack and exit with 1. */
export class Sentence extends Error {
  override readonly name = "Sentence";
}
