// NGL out of nglview's notebook bundle, and its mouse handlers inside a shadow root.

/** Text of the bundle from Python: notebooks have no server to fetch it from. */
function askPython(model) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("Python did not send the viewer's program. Reload the page.")), 60000)
    model.on("msg:custom", message => {
      if (message.kind !== "ngl") return
      clearTimeout(timer)
      if (message.error) reject(new Error(message.error))
      else resolve(message.source)
    })
    model.send_msg({ kind: "need_ngl" })
  })
}

async function fetchBundle(address) {
  const response = await fetch(address)
  if (!response.ok) throw new Error(`status ${response.status}`)
  return response.text()
}

/** The bundle is an AMD module made for notebooks; stand-ins for the notebook's base classes are enough to run it. */
function evaluateBundle(source) {
  let factory = null
  const define = (_, body) => { factory = body }
  define.amd = {}
  try {
    new Function("define", source)(define)
    const { NGL } = factory({ DOMWidgetModel: class {}, DOMWidgetView: class {} })
    if (!NGL?.Stage) throw new Error("it holds no NGL")
    return NGL
  } catch (error) {
    throw new Error(`The drawing library inside nglview could not be read (${error.message}). ` +
      "Install the version that this program asks for: pip install nglview==4.0.1")
  }
}

/** NGL, loaded once for the page. A failure is not remembered, so that the next viewer tries again. */
function loadNGL(model) {
  if (!window.__so3k_ngl) {
    const source = model.ngl_address ? fetchBundle(model.ngl_address).catch(() => askPython(model)) : askPython(model)
    window.__so3k_ngl = source.then(evaluateBundle)
    window.__so3k_ngl.catch(() => { window.__so3k_ngl = null })
  }
  return window.__so3k_ngl
}

function hasWebGL() {
  const canvas = document.createElement("canvas")
  const context = canvas.getContext("webgl2") || canvas.getContext("webgl")
  context?.getExtension("WEBGL_lose_context")?.loseContext() // browsers allow few contexts at a time
  return context !== null
}

const MOUSE_HANDLERS = {
  mousewheel: "_onMousewheel", wheel: "_onMousewheel", MozMousePixelScroll: "_onMousewheel",
  mousedown: "_onMousedown", mousemove: "_onMousemove", mouseup: "_onMouseup", contextmenu: "_onContextmenu",
  touchstart: "_onTouchstart", touchmove: "_onTouchmove", touchend: "_onTouchend",
}

/**
 * NGL listens on the document and compares the event's target with its canvas. Seen from the document, the target of
 * an event inside a shadow root is the root's host, so NGL would ignore it: hand it the true target instead.
 * Returns a function that removes the listeners.
 */
function fixMouse(stage) {
  const observer = stage.mouseObserver
  const listeners = Object.entries(MOUSE_HANDLERS).map(([event, method]) => {
    const handler = observer[method]
    document.removeEventListener(event, handler)
    const listener = original => handler.call(observer, new Proxy(original, {
      get(target, key) {
        if (key === "target") return target.composedPath()[0]
        const value = target[key]
        return typeof value === "function" ? value.bind(target) : value
      },
    }))
    document.addEventListener(event, listener, { passive: false })
    return [event, listener]
  })
  return () => listeners.forEach(([event, listener]) => document.removeEventListener(event, listener))
}
