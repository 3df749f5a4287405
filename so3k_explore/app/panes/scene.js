// What NGL draws: one structure, its overlays, cylinders between atoms, the periodic cell.

const ELEMENTS = ("X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr " +
  "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re " +
  "Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr").split(" ")

const CONTACT_REACH = 1.25 // neighbours of a cluster are joined up to this multiple of its spacing
const CONTACTS_PER_ATOM = 8 // room in the buffer; a close-packed atom has 12 neighbours, each counted once
const MAX_CONTACT_ATOMS = 600 // the search looks at all pairs, for every frame

/** Numbers out of what Bokeh delivers for bytes. */
function numbersFrom(Type, bytes) {
  if (!bytes) return new Type(0)
  if (bytes instanceof ArrayBuffer) return new Type(bytes)
  return new Type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** An NGL structure with exactly these bonds: NGL's own file readers would guess them from the distances. */
function buildStructure(NGL, numbers, positions, bonds) {
  const structure = new NGL.Structure("molecule", "")
  const { atomStore, residueStore, chainStore, modelStore, bondStore } = structure
  const count = numbers.length
  const types = Array.from(numbers, number => structure.atomMap.add(ELEMENTS[number] ?? "X", ELEMENTS[number] ?? "X"))
  atomStore.resize(count)
  atomStore.count = count
  for (let i = 0; i < count; i++) {
    atomStore.atomTypeId[i] = types[i]
    atomStore.serial[i] = i + 1
    atomStore.occupancy[i] = 1
    atomStore.x[i] = positions[3 * i]
    atomStore.y[i] = positions[3 * i + 1]
    atomStore.z[i] = positions[3 * i + 2]
  }
  for (const store of [residueStore, chainStore, modelStore]) { store.resize(1); store.count = 1 }
  residueStore.atomCount[0] = count
  residueStore.resno[0] = 1
  residueStore.residueTypeId[0] = structure.residueMap.add("MOL", types, true)
  chainStore.residueCount[0] = 1
  modelStore.chainCount[0] = 1
  structure.finalizeAtoms()
  const first = structure.getAtomProxy(), second = structure.getAtomProxy()
  for (let b = 0; b < bonds.length; b += 2) {
    first.index = bonds[b]
    second.index = bonds[b + 1]
    bondStore.growIfFull()
    bondStore.addBond(first, second, 1)
  }
  structure.finalizeBonds()
  return structure
}

const ROOM = 32 // cylinders by which a buffer grows, so that a few more or fewer need no new one

/** Thin cylinders between pairs of points that can be moved, coloured and replaced without rebuilding the buffer. */
class Cylinders {
  constructor(NGL, stage) {
    this.NGL = NGL
    this.stage = stage
    this.component = null
  }

  set(starts, ends, radii, colors, opacity) {
    const color = new Float32Array(3 * colors.length)
    colors.forEach((code, k) => color.set([(code >> 16 & 255) / 255, (code >> 8 & 255) / 255, (code & 255) / 255], 3 * k))
    if (this.component && this.opacity === opacity && this.radii.length === radii.length) {
      this.buffer.setAttributes({ position1: starts, position2: ends, color, color2: color, radius: Float32Array.from(radii) })
      return
    }
    this.clear()
    if (!radii.length) return
    this.radii = radii
    this.opacity = opacity
    this.buffer = new this.NGL.CylinderBuffer(
      { position1: starts, position2: ends, color, color2: color, radius: Float32Array.from(radii) },
      { openEnded: false, disableImpostor: false })
    const shape = new this.NGL.Shape("cylinders")
    shape.addBuffer(this.buffer)
    this.component = this.stage.addComponentFromObject(shape)
    this.component.addRepresentation("buffer", { opacity, depthWrite: opacity >= 1 })
  }

  move(starts, ends) {
    if (this.component) this.buffer.setAttributes({ position1: starts, position2: ends })
  }

  clear() {
    if (this.component) this.stage.removeComponent(this.component)
    this.component = null
  }
}

/** The same numbers followed by zeros, up to a length. */
function padded(values, length) {
  const longer = new values.constructor(length)
  longer.set(values)
  return longer
}

/** Starting and end points of pairs of atoms; an atom paired with itself gets a short one that its sphere hides. */
function endpoints(pairs, positions) {
  const starts = new Float32Array(3 * pairs.length / 2), ends = new Float32Array(starts.length)
  for (let k = 0; k < pairs.length / 2; k++) {
    for (let axis = 0; axis < 3; axis++) {
      starts[3 * k + axis] = positions[3 * pairs[2 * k] + axis]
      ends[3 * k + axis] = positions[3 * pairs[2 * k + 1] + axis]
    }
    if (pairs[2 * k] === pairs[2 * k + 1]) ends[3 * k] += 1e-3
  }
  return [starts, ends]
}

/** Pairs closer than `reach`, padded to `capacity` pairs; the padding repeats one atom and is hidden inside it. */
function contactEndpoints(positions, reach, capacity) {
  const starts = new Float32Array(3 * capacity), ends = new Float32Array(3 * capacity), count = positions.length / 3
  let used = 0
  for (let i = 0; i < count && used < capacity; i++) {
    for (let j = 0; j < i && used < capacity; j++) {
      const dx = positions[3 * i] - positions[3 * j]
      const dy = positions[3 * i + 1] - positions[3 * j + 1]
      const dz = positions[3 * i + 2] - positions[3 * j + 2]
      if (dx * dx + dy * dy + dz * dz > reach * reach) continue
      starts.set(positions.subarray(3 * i, 3 * i + 3), 3 * used)
      ends.set(positions.subarray(3 * j, 3 * j + 3), 3 * used)
      used += 1
    }
  }
  for (let k = used; k < capacity; k++) {
    starts.set([positions[0], positions[1], positions[2]], 3 * k)
    ends.set([positions[0] + 1e-3, positions[1], positions[2]], 3 * k)
  }
  return [starts, ends]
}

/** The twelve edges of the cell spanned by three rows. */
function cellEndpoints(cell) {
  const corner = bits => [0, 1, 2].map(axis =>
    [0, 1, 2].reduce((sum, row) => sum + (bits >> row & 1) * cell[3 * row + axis], 0))
  const starts = [], ends = []
  for (let bits = 0; bits < 8; bits++) {
    for (let row = 0; row < 3; row++) {
      if (bits >> row & 1) continue
      starts.push(...corner(bits))
      ends.push(...corner(bits | 1 << row))
    }
  }
  return [Float32Array.from(starts), Float32Array.from(ends)]
}

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
