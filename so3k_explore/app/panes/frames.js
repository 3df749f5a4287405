// The frames of a trajectory, fetched block by block, and the clock that plays them without asking Python.

const SYNC_INTERVAL = 250 // ms between reports of the frame to Python during playback

class FramePlayer {
  /** `show(positions, index)` draws; `model` holds frame, n_frames, playing, fps, skip, loop. */
  constructor(show) {
    this.show = show
    this.frame = -1 // shown now
    this.loaded = 0 // frames that arrived
    this.blocks = []
    this.reported = 0
  }

  /** Forgets the frames and asks for new ones. */
  reset(model, atoms) {
    this.model = model
    this.size = 3 * atoms
    this.blocks = []
    this.loaded = 0
    this.frame = -1
    if (model.n_frames > 0) this.request()
  }

  request() {
    this.model.send_msg({ kind: "need_block", frames_id: this.model.frames_id, start: this.loaded })
  }

  receive(message) {
    if (message.frames_id !== this.model.frames_id || message.start !== this.loaded || !message.count) return
    this.blocks.push({ start: message.start, count: message.count, data: numbersFrom(Float32Array, message.data) })
    this.loaded += message.count
    if (this.loaded < this.model.n_frames) this.request()
    if (this.frame < 0) this.go(this.model.frame)
  }

  positions(index) {
    const block = this.blocks.find(({ start, count }) => index >= start && index < start + count)
    return block?.data.subarray((index - block.start) * this.size, (index - block.start + 1) * this.size)
  }

  /** Shows frame `index` if it has arrived. */
  go(index) {
    const positions = this.positions(index)
    if (!positions) return false
    this.frame = index
    this.show(positions, index)
    return true
  }

  /** One step by hand, around the end when the frames repeat. */
  step(by) {
    const { n_frames } = this.model
    if (!n_frames) return
    const next = this.model.loop ? (this.frame + by + n_frames) % n_frames : Math.min(Math.max(this.frame + by, 0), n_frames - 1)
    if (this.go(next)) this.report(true)
  }

  report(now) {
    const time = performance.now()
    if (!now && time - this.reported < SYNC_INTERVAL) return
    this.reported = time
    if (this.frame >= 0 && this.model.frame !== this.frame) this.model.frame = this.frame
  }

  /** Starts or stops the clock as `model.playing` says. */
  update() {
    if (!this.model.playing || this.clock) return
    if (!this.model.loop && this.frame >= this.model.n_frames - 1) this.go(0)
    let due = performance.now()
    const tick = time => {
      this.clock = null
      if (!this.model.playing || !this.model.n_frames) { this.report(true); return }
      const period = 1000 / this.model.fps
      if (time >= due) {
        const steps = Math.floor((time - due) / period) + 1 // a slow machine leaves frames out and keeps the pace
        due += steps * period
        this.advance(steps * this.model.skip)
      }
      this.clock = requestAnimationFrame(tick)
    }
    this.clock = requestAnimationFrame(tick)
  }

  advance(by) {
    const { n_frames, loop } = this.model
    let next = this.frame + by
    if (next >= n_frames) {
      if (!loop) {
        this.go(n_frames - 1)
        this.model.playing = false
        return
      }
      next %= n_frames
    }
    this.go(next) // a frame that has not arrived yet is waited for
    this.report(false)
  }

  stop() {
    if (this.clock) cancelAnimationFrame(this.clock)
    this.clock = null
  }
}
