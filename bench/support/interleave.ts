/** Runs what is compared turn by turn, so that whatever the machine does meanwhile meets all of it alike. */

/**
 * @param contenders by name; each answers one value a round
 * @returns the values of each, one a round
 */
export async function interleave<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, (round: number) => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1)
    // Backwards every other time: nobody always comes after the same one.
    for (const name of round % 2 === 0 ? names : names.toReversed())
      values[name].push(await contenders[name](round));
  return values;
}
