// The websocket of one order: it says when to look, and comes back when it breaks.

const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 16_000];

export class OrderLine {
  constructor(order, moved) {
    this.order = order;
    this.moved = moved;
    this.socket = null;
    this.token = null;
    this.failures = 0;
    this.timer = 0;
  }

  // Keeps a line open with a token, from now on.
  hold(token) {
    if (this.token === token) return;
    this.end();
    this.token = token;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/v1/ws`, "onsale.v1.json");
    this.socket = socket;
    socket.onopen = () => {
      // A browser cannot send headers with a websocket, so hello carries the token.
      socket.send(JSON.stringify({ op: "hello", id: 1, token: this.token }));
    };
    socket.onmessage = ({ data }) => {
      if (socket === this.socket) this.receive(JSON.parse(data));
    };
    socket.onclose = () => {
      if (socket === this.socket) this.retry();
    };
  }

  receive(frame) {
    if (frame.op === "ok") {
      this.failures = 0;
      // What happened before this line was open.
      this.moved();
    } else if (frame.op === "order" && frame.order === this.order) {
      this.moved();
    }
  }

  retry() {
    this.socket = null;
    const longest = BACKOFF_MS[Math.min(this.failures++, BACKOFF_MS.length - 1)];
    const pause = longest * (0.5 + Math.random() / 2);
    this.timer = setTimeout(() => this.connect(), pause);
  }

  end() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    this.token = null;
    this.failures = 0;
    socket?.close();
  }
}
