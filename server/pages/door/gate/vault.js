// @ts-check
// What a device at a door keeps: encrypted, with a key that no script can read out.
//
// It is kept by IndexedDB. Where that is blocked, or there is no WebCrypto (pages without
// TLS), all is kept as long as the page is open, and `lasting` is false.

const NAME = "onsale.door";
const IV_BYTES = 12; // as AES-GCM has it

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const answered = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @returns {Promise<IDBDatabase>} */
function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("key");
    request.result.createObjectStore("kept");
  };
  return answered(request);
}

/** The key of this browser, made at the first time. @param {IDBDatabase} base */
async function keyOf(base) {
  const store = () => base.transaction("key", "readwrite").objectStore("key");
  const known = await answered(store().get("key"));
  if (known !== undefined) return known;
  const made = await crypto.subtle.generateKey(
    { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"],
  );
  try {
    await answered(store().add(made, "key"));
  } catch {
    // Another tab was first.
    return answered(store().get("key"));
  }
  return made;
}

export class Vault {
  constructor() {
    /** Whether it is there after a reload. */
    this.lasting = false;
    /** @type {Map<string, any>} what could not be kept elsewhere */
    this.memory = new Map();
    /** @type {IDBDatabase | null} */
    this.base = null;
    /** @type {CryptoKey | null} */
    this.key = null;
  }

  /** @returns {Promise<Vault>} */
  static async open() {
    const vault = new Vault();
    try {
      vault.base = await open();
      vault.key = await keyOf(vault.base);
      vault.lasting = true;
      // Else browsers throw it away first when the disk is full.
      navigator.storage?.persist?.();
    } catch {
      vault.base = null; // blocked: the page says so
    }
    return vault;
  }

  /** @param {string} name @returns {Promise<any>} what was kept, or null */
  async get(name) {
    if (this.memory.has(name)) return this.memory.get(name);
    if (this.base === null) return null;
    const kept = await this.within("readonly", (store) => store.get(name));
    return kept === undefined ? null : this.decrypt(kept);
  }

  /** Keep it. It is there for good when this is over. @param {string} name @param {any} value */
  async put(name, value) {
    if (this.base !== null) {
      try {
        const kept = await this.encrypt(value);
        await this.within("readwrite", (store) => store.put(kept, name));
        this.memory.delete(name);
        return;
      } catch {
        this.lasting = false; // the disk is full
      }
    }
    this.memory.set(name, value);
  }

  /** @param {string} name */
  async remove(name) {
    this.memory.delete(name);
    if (this.base !== null) await this.within("readwrite", (store) => store.delete(name));
  }

  /** @param {string} start @returns {Promise<any[]>} all whose names begin so, by name */
  async all(start) {
    const found = [...this.memory].filter(([name]) => name.startsWith(start)).map(([, one]) => one);
    if (this.base === null) return found;
    const range = IDBKeyRange.bound(start, `${start}\uffff`);
    const kept = await this.within("readonly", (store) => store.getAll(range));
    const read = await Promise.all(kept.map((/** @type {any} */ one) => this.decrypt(one)));
    return [...read.filter((one) => one !== null), ...found];
  }

  /** Forget all, as of a device that goes on to others. */
  async clear() {
    this.memory.clear();
    if (this.base !== null) await this.within("readwrite", (store) => store.clear());
  }

  /**
   * @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} act
   * @returns {Promise<any>}
   */
  async within(mode, act) {
    const begin = () =>
      /** @type {IDBDatabase} */ (this.base)
        .transaction("kept", mode, { durability: "strict" })
        .objectStore("kept");
    let store;
    try {
      store = begin();
    } catch {
      // Phones close it while they show something else.
      this.base = await open();
      store = begin();
    }
    return answered(act(store));
  }

  /** @param {any} value */
  async encrypt(value) {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const text = new TextEncoder().encode(JSON.stringify(value));
    const key = /** @type {CryptoKey} */ (this.key);
    return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, text) };
  }

  /** @param {{iv: any, data: ArrayBuffer}} kept */
  async decrypt({ iv, data }) {
    const key = /** @type {CryptoKey} */ (this.key);
    try {
      const text = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, data);
      return JSON.parse(new TextDecoder().decode(text));
    } catch {
      return null; // written with a key that the browser has thrown away since
    }
  }
}
