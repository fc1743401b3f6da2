// Which rows are shown: the comparisons of `--where`, evaluated in the browser over whole columns.
//
// expression = or ; or = and {"or" and} ; and = not {"and" not} ; not = ["not"] comparison | "(" or ")"
// comparison = value (op value)+ | value ["not"] "in" "(" value {"," value} ")" | value "has" BITNAME

const TOKEN = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|("[^"]*"|'[^']*')|([A-Za-z_]\w*)|(==|!=|<=|>=|<|>|\(|\)|,|-|\+|&))/y;

function tokens(text) {
  const list = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    if (/^\s*$/.test(text.slice(TOKEN.lastIndex))) break;
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new Error(`not understood from “${text.slice(at, at + 12)}” on`);
    if (match[1] !== undefined) list.push({ kind: "number", value: Number(match[1]) });
    else if (match[2] !== undefined) list.push({ kind: "text", value: match[2].slice(1, -1) });
    else if (match[3] !== undefined) list.push({ kind: "name", value: match[3] });
    else list.push({ kind: match[4], value: match[4] });
  }
  return list;
}

/** Names of columns that an expression uses, so that they can be fetched first. */
export function columnsOf(text) {
  const words = new Set(["and", "or", "not", "in", "has"]);
  return [...new Set(tokens(text).filter((t) => t.kind === "name" && !words.has(t.value)).map((t) => t.value))];
}

/**
 * Compile an expression to a function row -> boolean.
 * `columns` maps a name to {kind, values} (Float64Array) or {kind: "text", words, codes};
 * `bits` maps the name of a warning bit to its value, for `ZWARNING has SKY`.
 */
export function compile(text, columns, bits = {}) {
  const list = tokens(text);
  let at = 0;
  const peek = (value) => list[at] && list[at].kind !== "text" && list[at].value === value;
  const take = (value) => {
    if (!peek(value)) throw new Error(list[at] ? `“${value}” expected before “${list[at].value}”` : `“${value}” is missing at the end`);
    at += 1;
  };

  function anyOf() {
    let left = allOf();
    while (peek("or")) {
      at += 1;
      const a = left;
      const b = allOf();
      left = (row) => a(row) || b(row);
    }
    return left;
  }
  function allOf() {
    let left = negated();
    while (peek("and")) {
      at += 1;
      const a = left;
      const b = negated();
      left = (row) => a(row) && b(row);
    }
    return left;
  }
  function negated() {
    if (peek("not")) {
      at += 1;
      const inner = negated();
      return (row) => !inner(row);
    }
    if (peek("(")) {
      at += 1;
      const inner = anyOf();
      take(")");
      return inner;
    }
    return comparison();
  }
  function value() {
    const token = list[at];
    if (!token) throw new Error("a value is missing at the end");
    at += 1;
    if (token.value === "-" && token.kind === "-") {
      const number = value();
      if (number.text) throw new Error("a text has no sign");
      return { text: false, of: (row) => -number.of(row) };
    }
    if (token.kind === "number") return { text: false, of: () => token.value };
    if (token.kind === "text") return { text: true, of: () => token.value };
    if (token.kind !== "name") throw new Error(`“${token.value}” is no value`);
    const column = columns.get(token.value);
    if (!column) throw new Error(`there is no column ${token.value}`);
    if (column.kind === "text") {
      const { words, codes } = column;
      return { text: true, of: (row) => words[codes[row]] };
    }
    const { values } = column;
    return { text: false, of: (row) => values[row] };
  }
  const same = (a, b) => {
    if (a.text !== b.text) throw new Error("a text is compared with a number: put quotes around a text");
  };
  function comparison() {
    const first = value();
    if (peek("has")) {
      at += 1;
      const name = list[at++]?.value;
      const bit = bits[name];
      if (!bit) throw new Error(`${name ?? "nothing"} is no warning bit`);
      return (row) => Math.floor(first.of(row) / bit) % 2 === 1;
    }
    const inverted = peek("not") && list[at + 1]?.value === "in";
    if (inverted) at += 1;
    if (peek("in")) {
      at += 1;
      take("(");
      const options = [];
      while (!peek(")")) {
        const option = value();
        same(first, option);
        options.push(option.of());
        if (!peek(")")) take(",");
      }
      take(")");
      const set = new Set(options);
      const known = first.text ? () => true : (row) => !Number.isNaN(first.of(row));
      return inverted ? (row) => known(row) && !set.has(first.of(row)) : (row) => set.has(first.of(row));
    }
    const parts = [];
    let left = first;
    while (list[at] && ["==", "!=", "<", "<=", ">", ">="].includes(list[at].kind)) {
      const operator = list[at++].kind;
      const a = left;
      const b = value();
      same(a, b);
      const missing = a.text ? () => false : (row) => Number.isNaN(a.of(row)) || Number.isNaN(b.of(row));
      parts.push(
        {
          "==": (row) => a.of(row) === b.of(row),
          "!=": (row) => !missing(row) && a.of(row) !== b.of(row),
          "<": (row) => a.of(row) < b.of(row),
          "<=": (row) => a.of(row) <= b.of(row),
          ">": (row) => a.of(row) > b.of(row),
          ">=": (row) => a.of(row) >= b.of(row),
        }[operator],
      );
      left = b;
    }
    if (!parts.length) throw new Error("a comparison is missing, such as PROB < 0.9");
    return parts.length === 1 ? parts[0] : (row) => parts.every((part) => part(row));
  }

  const test = anyOf();
  if (at < list.length) throw new Error(`“and” or “or” expected before “${list[at].value}”`);
  return test;
}

/** Rows sorted by a column; missing values last either way. Stable. */
export function sorted(rows, column, descending) {
  const result = Int32Array.from(rows);
  const sign = descending ? -1 : 1;
  if (column.kind === "text") {
    const rank = new Int32Array(column.words.length);
    [...column.words.keys()]
      .sort((a, b) => (column.words[a] < column.words[b] ? -1 : column.words[a] > column.words[b] ? 1 : 0))
      .forEach((code, place) => { rank[code] = place; });
    return result.sort((a, b) => {
      const x = column.codes[a];
      const y = column.codes[b];
      const xe = column.words[x] === "";
      const ye = column.words[y] === "";
      if (xe !== ye) return xe ? 1 : -1;
      return sign * (rank[x] - rank[y]) || a - b;
    });
  }
  // Sorting the numbers themselves, rather than rows by a comparison, is several times faster.
  const { values } = column;
  const known = [];
  const unknown = [];
  for (const row of result) (Number.isNaN(values[row]) ? unknown : known).push(row);
  known.sort((a, b) => sign * (values[a] - values[b]) || a - b);
  result.set(known);
  result.set(unknown, known.length);
  return result;
}
