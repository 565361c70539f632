const show = (id, text) => {
  document.getElementById(id).textContent = text
}

const answer = await fetch('/api/hello?name=browser')
const { hello, server } = await answer.json()
show('api', `hello ${hello}, from server ${server}`)

new EventSource('/api/events').onmessage = ({ data }) => show('events', `event ${data}`)

const socket = new WebSocket(`ws://${location.host}/api/echo`)
socket.onopen = () => socket.send('echo this')
socket.onmessage = ({ data }) => show('echo', data)
