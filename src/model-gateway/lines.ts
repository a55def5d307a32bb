/** The lines of a text that comes in pieces. */

/**
 * Without their ends, the last also without one; empty ones are left out.
 * @throws RangeError when a line is longer than `maxBytes`
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<string, void, void> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const take = () => {
    const line = Buffer.concat(pieces).toString('utf8').trim();
    [pieces, bytes] = [[], 0];
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
      pieces.push(chunk.subarray(start, end));
      start = end + 1;
      const line = take();
      if (line !== '') yield line;
    }
    pieces.push(chunk.subarray(start));
    bytes += chunk.length - start;
    if (bytes > maxBytes) throw new RangeError(`a line is longer than ${maxBytes} bytes`);
  }
  const line = take();
  if (line !== '') yield line;
}
