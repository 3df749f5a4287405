// The viewer's element: messages, keys, and the wiring between the model and the scene.

class Viewer {
  constructor(model) {
    this.model = model
    this.root = document.createElement("div")
    this.root.className = "viewer"
    this.root.tabIndex = 0
    this.root.setAttribute("role", "application")
    this.root.setAttribute("aria-label", "Molecule. Click atoms to measure; space plays, arrows step, Escape clears, F fills the screen.")
    element("style", "", this.root).textContent = CSS
    this.holder = element("div", "stage", this.root)
    this.labels = element("canvas", "labels", this.root)
    this.note = element("div", "note", this.root)
    this.spoken = element("div", "spoken", this.root)
    this.spoken.setAttribute("aria-live", "polite")
    this.addButtons()
    this.shown = 0
    this.player = new FramePlayer((positions, index) => this.showFrame(positions, index))
    this.say("Loading the viewer …")
    this.started = this.start()
  }

  addButtons() {
    this.buttons = element("div", "buttons", this.root)
    for (const [name, [title, path]] of Object.entries(ICONS)) {
      const button = element("button", name, this.buttons)
      button.type = "button"
      button.title = title
      button.setAttribute("aria-label", title)
      button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`
      button.addEventListener("click", () => this[name]())
    }
  }

  say(text, problem = false) {
    this.note.textContent = text
    this.note.classList.toggle("problem", problem)
    if (problem) this.root.dataset.problem = text
    else delete this.root.dataset.problem
  }

  async start() {
    try {
      if (!hasWebGL()) {
        throw new Error("This browser draws no 3D graphics (WebGL is off). Switch on hardware acceleration in its settings, or try another browser.")
      }
      this.NGL = await loadNGL(this.model)
      this.stage = new this.NGL.Stage(this.holder, { clipDist: 0, tooltip: false, hoverTimeout: -1, sampleLevel: 0 })
    } catch (error) {
      this.say(error.message, true)
      return false
    }
    this.unfixMouse = fixMouse(this.stage)
    this.stage.mouseControls.remove("clickPick-*")
    this.stage.mouseControls.remove("hoverPick")
    this.stage.signals.clicked.add(pick => this.clicked(pick))
    this.stage.viewer.signals.rendered.add(() => this.drawLabels())
    this.holder.querySelector("canvas").addEventListener("webglcontextlost", () =>
      this.say("The graphics card dropped this picture. Reload the page to draw it again.", true))
    this.scene = new Scene(this.NGL, this.stage)
    this.root.__viewer = this // for tests
    return true
  }

  /** Called for every rendering of the component; the stage is built only once. */
  async attach(model, parent) {
    this.model = model
    Object.assign(parent.style, { width: "100%", height: "100%" }) // Panel fixes the size that it had at first
    parent.appendChild(this.root)
    if (!await this.started || this.root.parentNode !== parent) return
    this.connect(model)
    this.resizer?.disconnect()
    this.resizer = new ResizeObserver(() => this.resize())
    this.resizer.observe(this.root)
    this.keys ??= event => this.key(event)
    document.addEventListener("keydown", this.keys)
    this.theme()
    this.scene.look = this.look()
    this.resize()
    this.load()
  }

  connect(model) {
    model.on("structure", () => this.load())
    model.on(["frames_id", "n_frames"], () => this.player.reset(model, this.scene.count))
    model.on("frame", () => { if (model.frame !== this.player.frame) this.player.go(model.frame) })
    model.on("playing", () => this.player.update())
    model.on("atom_colors", () => { this.scene.setColors(model.atom_colors); this.mark() })
    model.on("edges", () => { this.scene.setEdges(model.edges); this.mark() })
    model.on("overlay_data", () => { this.scene.setOverlays(model.overlay_data); this.mark() })
    model.on(["style", "hide_hydrogens", "show_cell"], () => { this.scene.setLook(this.look()); this.mark() })
    model.on(["dark", "background"], () => { this.theme(); this.scene.setLook(this.look()); this.mark() })
    model.on("buttons", () => this.theme())
    model.on("picked", () => this.pickedChanged())
    model.on("empty_text", () => { if (!this.scene.component) this.say(model.empty_text) })
    model.on("msg:custom", message => this.message(message))
    model.on("remove", () => this.detach())
  }

  message(message) {
    if (message.kind === "live" && this.scene.component) this.showFrame(numbersFrom(Float32Array, message.positions), null)
    else if (message.kind === "block") this.player.receive(message)
    else if (message.kind === "center") this.center()
    else if (message.kind === "screenshot") this.screenshot(message.name)
    else if (message.kind === "fullscreen") this.fullscreen()
  }

  look() {
    const { style, hide_hydrogens, show_cell, dark } = this.model
    return { style, hideHydrogens: hide_hydrogens, showCell: show_cell, dark }
  }

  load() {
    const { model, scene } = this
    if (!model.structure?.numbers) {
      scene.clear()
      this.say(model.empty_text)
      delete this.root.dataset.ready
    } else {
      this.say("")
      scene.setStructure(model.structure)
      scene.setColors(model.atom_colors)
      scene.setEdges(model.edges)
      scene.setOverlays(model.overlay_data)
      this.root.dataset.ready = model.structure.serial
    }
    this.player.reset(model, scene.count)
    this.player.update()
    this.pickedChanged()
    this.mark()
  }

  /** Leaves on the element what tests and style sheets may read. */
  mark() {
    const { dataset } = this.root
    dataset.atoms = this.scene.count
    dataset.overlays = this.scene.overlays.length
    dataset.edges = this.scene.edgeCount ?? 0
    dataset.bonds = this.scene.component ? this.scene.component.structure.bondStore.count : 0
    dataset.style = this.scene.look.style
    dataset.changes = Number(dataset.changes ?? 0) + 1
  }

  showFrame(positions, index) {
    if (!this.scene.setPositions(positions)) return
    this.shown += 1
    this.root.dataset.shown = this.shown
    if (index !== null) this.root.dataset.frame = index
    if (this.model.picked.length) this.measure(false)
  }

  clicked(pick) {
    if (pick && pick.component !== this.scene.component) return // an overlay or a cylinder: neither adds nor clears
    const atom = pick?.atom ?? pick?.closestBondAtom
    if (!atom) { if (this.model.picked.length) this.model.picked = []; return }
    const before = this.model.picked
    if (before.includes(atom.index)) this.model.picked = before.filter(index => index !== atom.index)
    else this.model.picked = [...(before.length === 4 ? [] : before), atom.index]
  }

  pickedChanged() {
    this.root.dataset.picked = this.model.picked.join(",")
    this.measure(true)
    this.stage.viewer.requestRender()
    this.drawLabels()
  }

  /** Reports the measured value, to Python at most four times a second while frames change. */
  measure(now) {
    const { picked } = this.model
    const text = this.scene.component && picked.length ? measurementText(this.scene, picked) : ""
    this.root.dataset.measurement = text
    const time = performance.now()
    if (!now && time - (this.measuredAt ?? 0) < SYNC_INTERVAL) return
    this.measuredAt = time
    if (now) this.spoken.textContent = text
    if (this.model.measurement !== text) this.model.measurement = text
  }

  drawLabels() {
    const { clientWidth, clientHeight } = this.labels, ratio = window.devicePixelRatio || 1
    this.labels.width = Math.round(clientWidth * ratio) // also clears
    this.labels.height = Math.round(clientHeight * ratio)
    const context = this.labels.getContext("2d")
    context.scale(ratio, ratio)
    drawMeasurement(context, this.scene, this.model.picked, this.model.dark)
  }

  theme() {
    const { dark, background, buttons } = this.model
    const color = background || (dark ? "#121212" : "#ffffff")
    this.root.classList.toggle("dark", dark)
    this.root.style.background = color
    this.buttons.style.display = buttons ? "" : "none"
    this.stage.setParameters({ backgroundColor: color })
  }

  resize() {
    this.stage.handleResize()
    this.root.dataset.size = `${this.root.clientWidth}x${this.root.clientHeight}`
    this.drawLabels()
  }

  key(event) {
    const inside = event.composedPath().includes(this.root)
    const idle = document.activeElement === document.body || document.activeElement === null
    if (event.ctrlKey || event.metaKey || event.altKey || isBusy(event) || !(inside || this.model.page_keys && idle)) return
    const actions = {
      " ": () => { if (this.model.n_frames) this.model.playing = !this.model.playing },
      ArrowLeft: () => this.stepBy(-1), ArrowRight: () => this.stepBy(1),
      Escape: () => { if (this.model.picked.length) this.model.picked = [] },
      f: () => this.fullscreen(), F: () => this.fullscreen(),
    }
    if (!actions[event.key]) return
    if (event.key !== "Escape") event.preventDefault()
    actions[event.key]()
  }

  stepBy(by) {
    this.model.playing = false
    this.player.step(by * this.model.skip)
  }

  center() { this.scene.center() }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen()
    else this.root.requestFullscreen?.().catch(() => this.say(""))
  }

  /** Downloads what is shown at twice the size, with the labels. */
  async screenshot(name = "molecule") {
    const factor = 2
    const blob = await this.stage.makeImage({ factor, antialias: true, trim: false, transparent: false })
    const picture = await createImageBitmap(blob)
    const canvas = document.createElement("canvas")
    canvas.width = picture.width
    canvas.height = picture.height
    const context = canvas.getContext("2d")
    context.drawImage(picture, 0, 0)
    context.scale(picture.width / this.root.clientWidth, picture.height / this.root.clientHeight)
    drawMeasurement(context, this.scene, this.model.picked, this.model.dark)
    const link = document.createElement("a")
    link.href = canvas.toDataURL("image/png")
    link.download = `${name}.png`
    link.click()
  }

  /** Layouts remove and render a component again when they change: only a viewer that stays away is disposed of. */
  detach() {
    this.player.stop()
    this.resizer?.disconnect()
    document.removeEventListener("keydown", this.keys)
    setTimeout(() => {
      if (this.root.isConnected) return
      this.unfixMouse()
      this.stage.dispose()
      VIEWERS.delete(this.owner)
    }, 5000)
  }
}

const VIEWERS = new Map() // by Bokeh model, so that a component rendered again keeps its WebGL context

export async function render({ model, el, view }) {
  let viewer = VIEWERS.get(view.model)
  if (!viewer) {
    viewer = new Viewer(model)
    viewer.owner = view.model
    VIEWERS.set(view.model, viewer)
  }
  await viewer.attach(model, el)
}
