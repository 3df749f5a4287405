// What NGL draws: one structure, its overlays, cylinders between atoms, the periodic cell.

/** The content of the stage. All methods may be called at any time; without a structure they wait for one. */
class Scene {
  constructor(NGL, stage) {
    this.NGL = NGL
    this.stage = stage
    this.component = null
    this.overlays = []
    this.edges = new Cylinders(NGL, stage)
    this.contacts = new Cylinders(NGL, stage)
    this.cell = new Cylinders(NGL, stage)
    this.look = { style: "ball+stick", hideHydrogens: false, showCell: true, dark: false }
    this.colors = new Uint32Array(0)
    const scene = this
    this.scheme = NGL.ColormakerRegistry.addScheme(function () {
      this.atomColor = atom => scene.colors[atom.index] ?? 0x909090
    })
  }

  get count() { return this.numbers?.length ?? 0 }

  clear() {
    for (const cylinders of [this.edges, this.contacts, this.cell]) cylinders.clear()
    this.setOverlays([])
    if (this.component) this.stage.removeComponent(this.component)
    this.component = null
    this.numbers = null
    this.edgePairs = null
  }

  setStructure(data) {
    this.clear()
    this.numbers = numbersFrom(Uint8Array, data.numbers)
    this.positions = numbersFrom(Float32Array, data.positions)
    this.bonds = numbersFrom(Uint32Array, data.bonds)
    this.cellRows = numbersFrom(Float32Array, data.cell)
    this.spacing = data.spacing
    this.colors = new Uint32Array(0)
    const structure = buildStructure(this.NGL, this.numbers, this.positions, this.bonds)
    this.component = this.stage.addComponentFromObject(structure)
    this.represent()
    if (!data.keep_view || !this.seen) this.center() // there is no view to keep before the first structure
    this.seen = true
  }

  center() {
    if (!this.component) return
    this.stage.handleResize() // the zoom depends on the shape of the window
    this.component.autoView(0)
  }

  setLook(look) {
    Object.assign(this.look, look)
    this.represent()
    this.setOverlays(this.overlayData ?? [])
  }

  /** Adds the representations of the chosen style. */
  represent() {
    if (!this.component) return
    this.component.removeAllRepresentations()
    const common = {
      colorScheme: this.colors.length ? this.scheme : "element",
      sele: this.look.hideHydrogens ? "not _H" : "", multipleBond: "off",
    }
    for (const [kind, parameters] of this.representations()) this.component.addRepresentation(kind, { ...common, ...parameters })
    this.drawContacts()
    this.drawCell()
    this.stage.viewer.requestRender()
  }

  representations() {
    const { style } = this.look
    if (this.spacing) { // a cluster without bonds: spheres in proportion to its spacing
      const share = { "ball+stick": 0.3, licorice: 0.12, spacefill: 0.5, line: 0.06 }[style]
      return [["spacefill", { radiusType: "size", radiusSize: share * this.spacing }]]
    }
    if (style === "spacefill") return [["spacefill", { radiusType: "vdw" }]]
    if (style === "licorice") return [["licorice", { radiusType: "size", radiusSize: 0.2 }]]
    if (style === "line") return [["line", { linewidth: 3 }]]
    return [
      ["spacefill", { radiusType: "vdw", radiusScale: 0.23 }],
      ["ball+stick", { cylinderOnly: true, radiusType: "size", radiusSize: 0.11 }],
    ]
  }

  drawContacts() {
    this.contacts.clear()
    if (!this.spacing || this.count > MAX_CONTACT_ATOMS || this.look.style === "spacefill") return
    const capacity = CONTACTS_PER_ATOM * this.count
    const [starts, ends] = contactEndpoints(this.positions, CONTACT_REACH * this.spacing, capacity)
    const color = this.look.dark ? 0x8a949e : 0x9aa4ae
    this.contacts.set(starts, ends, Array(capacity).fill(0.025 * this.spacing), Array(capacity).fill(color), 1)
  }

  drawCell() {
    this.cell.clear()
    if (this.cellRows.length !== 9 || !this.look.showCell) return
    const [starts, ends] = cellEndpoints(this.cellRows)
    this.cell.set(starts, ends, Array(12).fill(0.04), Array(12).fill(this.look.dark ? 0x9e9e9e : 0x616161), 1)
  }

  setPositions(positions) {
    if (!this.component || positions.length !== 3 * this.count) return false
    this.positions = positions
    this.component.structure.updatePosition(positions, false)
    this.component.updateRepresentations({ position: true })
    if (this.edgePairs) this.edges.move(...endpoints(this.edgePairs, positions))
    if (this.contacts.component) {
      this.contacts.move(...contactEndpoints(positions, CONTACT_REACH * this.spacing, CONTACTS_PER_ATOM * this.count))
    }
    this.stage.viewer.requestRender()
    return true
  }

  setColors(bytes) {
    const before = this.colors.length
    this.colors = numbersFrom(Uint32Array, bytes)
    if (!this.component) return
    if (this.colors.length && before) this.component.updateRepresentations({ color: true })
    else this.represent()
    this.stage.viewer.requestRender()
  }

  setEdges(data) {
    const pairs = numbersFrom(Uint32Array, data.pairs)
    const fits = this.component && pairs.length && pairs.every(index => index < this.count)
    this.edgeCount = fits ? pairs.length / 2 : 0
    this.edgePairs = fits ? padded(pairs, 2 * ROOM * Math.ceil(this.edgeCount / ROOM)) : null
    if (!fits) this.edges.clear()
    else {
      const [starts, ends] = endpoints(this.edgePairs, this.positions), room = this.edgePairs.length / 2
      const radii = padded(numbersFrom(Float32Array, data.radii), room)
      const colors = padded(numbersFrom(Uint32Array, data.colors), room)
      this.edges.set(starts, ends, Array.from(radii), Array.from(colors), data.opacity)
    }
    this.stage.viewer.requestRender()
  }

  setOverlays(list) {
    this.overlays.forEach(component => this.stage.removeComponent(component))
    this.overlayData = list
    const fitting = list.map(item => ({ ...item, positions: numbersFrom(Float32Array, item.positions) }))
      .filter(({ positions }) => this.component && positions.length === 3 * this.count)
    this.overlays = fitting.map(({ positions, color, opacity }) => {
      const structure = buildStructure(this.NGL, this.numbers, positions, this.bonds)
      const component = this.stage.addComponentFromObject(structure)
      const radiusSize = this.spacing ? 0.15 * this.spacing : 0.09
      component.addRepresentation(this.spacing ? "spacefill" : "licorice",
        { color, opacity, radiusType: "size", radiusSize, sele: this.look.hideHydrogens ? "not _H" : "", multipleBond: "off" })
      return component
    })
    this.stage.viewer.requestRender()
  }

  /** Where atom `index` appears, in CSS pixels from the upper left corner, and the radius there of 1 Å. */
  project(index) {
    const { viewer, viewerControls } = this.stage
    const centre = new this.NGL.Vector3().fromArray(this.positions, 3 * index)
    const up = new this.NGL.Vector3(0, 1, 0).applyQuaternion(viewer.rotationGroup.quaternion.clone().invert())
    const here = viewerControls.getPositionOnCanvas(centre.clone())
    const above = viewerControls.getPositionOnCanvas(centre.add(up))
    return { x: here.x, y: viewer.height - here.y, scale: Math.hypot(above.x - here.x, above.y - here.y) }
  }
}
