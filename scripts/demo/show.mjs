/** Prints events as one line each. */

/** @param {string} text */
export const title = (text) => console.log(`\n━━ ${text}`);

/** @param {import('./server.mjs').DemoEvent} event */
export const show = ({ seq, type, data }) =>
  console.log(`  ${String(seq).padStart(3)} ${type.padEnd(20)} ${gist(type, data)}`);

/** What matters of an event. @param {string} type @param {import('./server.mjs').DemoEvent['data']} data */
function gist(type, data) {
  if (type === 'agent.text' || type === 'agent.thinking') return line(String(data.text));
  if (type === 'agent.tool_use') return `${String(data.name)} ${line(JSON.stringify(data.input))}`;
  if (type === 'agent.tool_result') return line(String(data.output));
  if (type === 'execution.finished')
    return `${String(data.status)}  ${line(JSON.stringify(data.response?.result ?? data.response?.error))}`;
  return line(JSON.stringify(data));
}

/** @param {string} text */
function line(text) {
  const flat = text.replaceAll(/\s+/g, ' ');
  return flat.length > 110 ? `${flat.slice(0, 110)}…` : flat;
}
