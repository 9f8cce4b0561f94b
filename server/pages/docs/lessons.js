// What the examples stand for: each answer is held against its example, and the ids,
// codes and tokens that stand in the same places are put into later requests.

const OPAQUE = new RegExp(
  "^(?:[a-z]{3}_[\\w-]{22}" + // an id
    "|[\\w-]{20,}" + // a code, or a token
    "|[\\w-]{16}\\.[\\w.]+" + // a process
    "|[A-Z0-9]{6})$", // a reference
);

const isOpaque = (value) => typeof value === "string" && OPAQUE.test(value);
const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export class Lessons {
  constructor() {
    this.known = new Map();
  }

  // What is listed is somebody's choice: the one that is known already stays.
  learn(example, actual, listed = false) {
    if (isObject(example) && isObject(actual)) {
      for (const [name, part] of Object.entries(example)) {
        if (name in actual) this.learn(part, actual[name], listed);
      }
    } else if (Array.isArray(example) && Array.isArray(actual)) {
      example
        .slice(0, actual.length)
        .forEach((part, at) => this.learn(part, actual[at], true));
    } else if (isOpaque(example) && typeof actual === "string") {
      if (!listed || !this.known.has(example)) this.known.set(example, actual);
    }
  }

  // The example with what is known in place of what it stands for.
  fill(example) {
    if (Array.isArray(example)) return example.map((part) => this.fill(part));
    if (isObject(example)) {
      const filled = Object.entries(example).map(([name, part]) => [name, this.fill(part)]);
      return Object.fromEntries(filled);
    }
    return this.known.get(example) ?? example;
  }

  // What of an example no answer gave yet.
  unknown(example) {
    if (Array.isArray(example)) return example.flatMap((part) => this.unknown(part));
    if (isObject(example)) return this.unknown(Object.values(example));
    return isOpaque(example) && !this.known.has(example) ? [example] : [];
  }
}

// The examples of a body by name; a single one has the name "".
export function examplesIn(content) {
  if (content?.examples) {
    const named = Object.entries(content.examples);
    return new Map(named.map(([name, one]) => [name, one.value]));
  }
  return new Map(content && "example" in content ? [["", content.example]] : []);
}

// All operations of a description, in the order of its tags.
export function operationsOf(description) {
  const all = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, said]) => ({
      method: method.toUpperCase(),
      path,
      said,
    })),
  );
  return description.tags.map((tag) => ({
    ...tag,
    operations: all.filter(({ said }) => said.tags.includes(tag.name)),
  }));
}

// The address to ask: parts of the path, and what of the query is not empty.
export function addressOf(operation, values) {
  let path = operation.path;
  const query = new URLSearchParams();
  for (const { in: place, name } of operation.said.parameters) {
    const value = values.get(`${place} ${name}`) ?? "";
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    if (place === "query" && value !== "") query.append(name, value);
  }
  const asked = query.toString();
  return asked ? `${path}?${asked}` : path;
}
