/** Times, tokens and money as people read them. */

export function elapsed(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export const tokens = (count: number): string => `${count.toLocaleString('en-US')} tokens`;

/** Four digits below a dollar: most answers cost cents. */
export const dollars = (amount: number): string => `$${amount.toFixed(amount < 1 ? 4 : 2)}`;
